"""A queue whose descriptor is readable while it holds something."""

import select
import threading

from device.hardware.edge_queue import CAPACITY, EdgeQueue


def is_readable(queue):
    return bool(select.select([queue.fileno()], [], [], 0)[0])


def test_descriptor_is_readable_while_items_wait():
    queue = EdgeQueue()
    assert not is_readable(queue)
    queue.put("a")
    queue.put("b")
    assert is_readable(queue)
    assert queue.take_all() == ["a", "b"]
    assert not is_readable(queue)
    assert queue.take_all() == []
    queue.close()


def test_items_of_another_thread_arrive_in_order():
    queue = EdgeQueue()
    writer = threading.Thread(target=lambda: [queue.put(number) for number in range(3000)])
    writer.start()
    taken = []
    while len(taken) < 3000:
        assert select.select([queue.fileno()], [], [], 5)[0]
        taken += queue.take_all()
    writer.join()
    assert taken == list(range(3000))
    queue.close()


def test_writer_never_blocks_and_the_newest_items_survive():
    queue = EdgeQueue()
    for number in range(CAPACITY * 20):
        queue.put(number)
    taken = queue.take_all()
    assert len(taken) == CAPACITY
    assert taken[-1] == CAPACITY * 20 - 1
    assert not is_readable(queue)
    queue.close()


def test_closed_queue_takes_and_gives_nothing():
    queue = EdgeQueue()
    queue.close()
    queue.close()
    queue.put("late")
    assert queue.take_all() == []
    assert queue.fileno() == -1
