"""Hands and ears of a test inside a virtual board: moves GPIO lines, watches outputs, plays and records sound.

Runs in the guest, with nothing but the standard library and a kernel that has gpio-sim and its tracepoints:

    python3 -I agent.py CHANNEL SHARE

CHANNEL is a device that carries bytes both ways (a serial line or a virtio port). Each line on it is a JSON object: a
request {"id": 1, "do": "VERB", ...}, and its answer {"id": 1, "now": [monotonic_s, real_s], "result": ...} or
{"id": 1, "error": "..."}. Requests may overlap. SHARE is a folder that the host sees as well; sound goes through it.
All instants are seconds on the guest's monotonic clock.
"""

import contextlib
import ctypes
import ctypes.util
import fcntl
import glob
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
import wave

TRACING = "/sys/kernel/tracing"
SIMULATED_CHIP = "/sys/devices/platform/gpio-sim*/gpiochip*/sim_gpio0"
LONGEST_LINE, LONG_LINE = 1 << 20, 1000
FOLLOW_S = 0.0003
"""A closed key follows its row this soon: before the phone looks, and yet leaving a lone processor to the phone."""

GATHER_S = 0.01
SPIN_S = 0.0003
"""The last bit of a wait for an instant is spent looking at the clock, since sleeping is not exact enough."""


def be_prompt(priority):
    """Real-time priority for the calling thread, where allowed: a hand does not wait for the phone to be idle."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


class Lines:
    """The lines of the simulated chip, by their number on it."""

    def __init__(self):
        found = sorted(glob.glob(SIMULATED_CHIP))
        if not found:
            raise RuntimeError("no simulated GPIO chip: gpio-sim is not loaded or has no chip that is live")
        self.folder = os.path.dirname(found[0])
        self.chip = os.path.basename(self.folder)
        self.count = len(glob.glob(f"{self.folder}/sim_gpio*"))
        self._pulls = {}
        self._values = {}

    def pull(self, line, high):
        """Drive an input from outside; the instant just before."""
        fd = self._pulls.get(line)
        if fd is None:
            fd = self._pulls[line] = os.open(f"{self.folder}/sim_gpio{line}/pull", os.O_WRONLY | os.O_CLOEXEC)
        at = time.monotonic()
        os.pwrite(fd, b"pull-up" if high else b"pull-down", 0)
        return at

    def level(self, line):
        """What the line is at."""
        fd = self._values.get(line)
        if fd is None:
            fd = self._values[line] = os.open(f"{self.folder}/sim_gpio{line}/value", os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(fd, 4, 0)[:1] == b"1"


class Trace:
    """The kernel's record of every output that was set and every line that changed its direction.

    gpio-sim's own files tell the level of an output but nobody is woken by them, and of an open drain that is let go
    they say nothing. The tracepoints of gpiolib tell all, with the kernel's time stamps.
    """

    _EVENT = re.compile(rb"-(\d+) +\[\d+\] +\S+ +(\d+\.\d+): (gpio_value|gpio_direction): +(\d+) +(\w+) +\(?(-?\d+)")

    def __init__(self, name, lines):
        self._lines = lines
        self.folder = f"{TRACING}/instances/offhook-{name}"
        self._remains = b""
        self.base = 0
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.folder)
        self._write("trace_clock", "mono")
        # Wake whoever waits at the first event, not when the buffer is half full.
        self._write("buffer_percent", "0")
        self._write("events/gpio/gpio_value/filter", "get == 0")
        self._write("trace", "")
        for event in ("gpio_value", "gpio_direction"):
            self._write(f"events/gpio/{event}/enable", "1")
        self._pipe = os.open(f"{self.folder}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.base = self._calibrate()

    def _write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def _calibrate(self):
        """The kernel's global number of our line 0: the trace has global numbers, and not every kernel tells them.

        The last line is made an output for a moment, and the trace of that names it.
        """
        last = self._lines.count - 1
        request = bytearray(592)
        struct.pack_into("=I", request, 0, last)
        request[256:263] = b"offhook"
        struct.pack_into("=Q", request, 288, 1 << 3)
        struct.pack_into("=I", request, 560, 1)
        with open(f"/dev/{self._lines.chip}", "rb+", buffering=0) as chip:
            fcntl.ioctl(chip, 3 << 30 | len(request) << 16 | 0xB4 << 8 | 0x07, request, True)
        os.close(struct.unpack_from("=i", request, 588)[0])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for process, _, kind, number, word, _ in self._take():
                if process == os.getpid() and kind == "gpio_direction" and word == "out":
                    return number - last
            time.sleep(0.01)
        raise RuntimeError("the kernel traces no GPIO: its tracepoints gpio:gpio_direction are missing")

    def _take(self):
        """What has been traced since the last time, never waiting."""
        # Each read gives no more than a page or so.
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._pipe, 65536):
                self._remains += data
        *complete, self._remains = self._remains.split(b"\n")
        found = []
        for line in complete:
            event = self._EVENT.search(line)
            if event is not None:
                process, at, kind, number, word, value = event.groups()
                found.append((int(process), float(at), kind.decode(), int(number), word.decode(), int(value)))
        return found

    def edges(self):
        """Outputs that were set since the last time, as (instant, line, level); a line let go has level None."""
        found = []
        for _, at, kind, number, word, value in self._take():
            line = number - self.base
            if not 0 <= line < self._lines.count:
                continue
            if kind == "gpio_value":
                found.append((at, line, value != 0))
            elif word == "in":
                found.append((at, line, None))
        return found

    def wait(self, seconds):
        """Wait for something new, but no longer than that."""
        select.select([self._pipe], [], [], seconds)


class Hands:
    """Moves lines at exact instants, and plays the contacts of keys between the rows and columns of a matrix.

    A process of its own, so that nothing else delays it. Requests come on its standard input, one JSON list a line:
    actions [seconds, line, level] and [seconds, [row line, column line], closed], in order of time. It answers with the
    instants at which they were done, once all are.
    """

    def __init__(self):
        self._lines = Lines()
        self._trace = Trace("hands", self._lines)
        self._closed = set()
        self._rows = {}
        self._columns = {}
        self._input = b""
        be_prompt(30)

    def run(self):
        while True:
            actions = self._next_request()
            if actions is None:
                return
            begin = time.monotonic() + 0.002
            done = []
            for seconds, what, state in actions:
                self._follow_until(begin + seconds)
                done.append(self._act(what, state))
            sys.stdout.write(json.dumps(done) + "\n")
            sys.stdout.flush()

    def _next_request(self):
        while b"\n" not in self._input:
            if self._closed:
                self._follow_until(time.monotonic() + FOLLOW_S)
                if not select.select([0], [], [], 0)[0]:
                    continue
            elif not select.select([0], [], [], 0.5)[0]:
                # What the rows do is followed also while nothing is asked, or the kernel's record would run over.
                self._look()
                continue
            data = os.read(0, 65536)
            if not data:
                return None
            self._input += data
        line, self._input = self._input.split(b"\n", 1)
        return json.loads(line)

    def _act(self, what, state):
        if isinstance(what, int):
            return self._lines.pull(what, state)
        row, column = what
        if state:
            self._closed.add((row, column))
        else:
            self._closed.discard((row, column))
        self._look()
        at = time.monotonic()
        self._settle({column})
        return at

    def _follow_until(self, instant):
        """Wait, and meanwhile let each column with a closed key follow its rows."""
        while (left := instant - time.monotonic()) > 0:
            if self._closed:
                if self._look():
                    self._settle({column for _, column in self._closed})
                time.sleep(min(left, FOLLOW_S))
            elif left > SPIN_S:
                time.sleep(left - SPIN_S)

    def _look(self):
        edges = self._trace.edges()
        for _, line, level in edges:
            self._rows[line] = level is not False
        return bool(edges)

    def _settle(self, columns):
        for column in columns:
            high = all(self._rows.get(row, True) for row, place in self._closed if place == column)
            if self._columns.get(column) != high:
                self._columns[column] = high
                self._lines.pull(column, high)


class RemoteHands:
    """The process of `Hands`, seen from the agent."""

    def __init__(self):
        self._lock = threading.Lock()
        command = [sys.executable, "-I", os.path.abspath(__file__), "--hands"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def play(self, actions):
        with self._lock:
            self._process.stdin.write(json.dumps(actions) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the hands have ended; see what the agent has said")
        return json.loads(answer)


class Watch:
    """Every edge of an output since the agent began, and those who wait for one."""

    def __init__(self, lines):
        self._trace = Trace("watch", lines)
        self._edges, self._news = [], threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            self._trace.wait(0.05)
            # Many edges at once cost less than each alone, and their time stamps are the kernel's.
            time.sleep(GATHER_S)
            found = self._trace.edges()
            if found:
                with self._news:
                    self._edges += found
                    self._news.notify_all()

    def edges(self, lines, since, until):
        """The edges of these lines between two instants, also those that the kernel still holds."""
        time.sleep(max(0.0, min(until, time.monotonic() + 0.1) - time.monotonic()))
        with self._news:
            return [edge for edge in self._edges if edge[1] in lines and since <= edge[0] <= until]

    def wait(self, line, level, since, seconds):
        """The first instant after `since` at which the line was set to this level."""
        deadline = time.monotonic() + seconds
        first = 0
        with self._news:
            while True:
                for at, where, what in self._edges[first:]:
                    if where == line and what is level and at >= since:
                        return at
                first = len(self._edges)
                if not self._news.wait(max(0.0, deadline - time.monotonic())):
                    raise RuntimeError(f"line {line} was not set {'high' if level else 'low'} within {seconds:g} s")


class Sound:
    """Plays and records by ALSA's own library, in mono with 16 bits."""

    _PLAYBACK, _CAPTURE = 0, 1
    _S16_LE, _INTERLEAVED = 2, 3

    def __init__(self, share):
        self._share = share
        self._alsa = None
        self._stops, self._threads, self._results = {}, {}, {}

    def _library(self):
        if self._alsa is None:
            name = ctypes.util.find_library("asound") or "libasound.so.2"
            alsa = self._alsa = ctypes.CDLL(name)
            for call in (alsa.snd_pcm_readi, alsa.snd_pcm_writei):
                call.restype = ctypes.c_long
                call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong]
            alsa.snd_strerror.restype = ctypes.c_char_p
        return self._alsa

    def _check(self, what, status):
        if status < 0:
            raise RuntimeError(f"{what}: {self._alsa.snd_strerror(status).decode()}")
        return status

    def _open(self, device, stream, rate_hz, latency_us):
        alsa, pcm = self._library(), ctypes.c_void_p()
        self._check(device, alsa.snd_pcm_open(ctypes.byref(pcm), device.encode(), stream, 0))
        form = (self._S16_LE, self._INTERLEAVED, 1, rate_hz, 0, latency_us)
        self._check(device, alsa.snd_pcm_set_params(pcm, *form))
        return pcm

    def begin(self, name, work):
        """Do something until it is told to end."""
        if name in self._threads:
            raise RuntimeError(f"{name} is under way already")
        stop, ready = threading.Event(), threading.Event()
        self._stops[name] = stop
        self._results.pop(name, None)

        def run():
            try:
                self._results[name] = work(stop, ready)
            except Exception as error:
                self._results[name] = error
            ready.set()

        self._threads[name] = threading.Thread(target=run, daemon=True)
        self._threads[name].start()
        ready.wait()
        if isinstance(self._results.get(name), Exception):
            self.end(name)

    def end(self, name):
        """Tell it to end; what it has to say."""
        self._stops.pop(name).set()
        self._threads.pop(name).join()
        result = self._results.pop(name)
        if isinstance(result, Exception):
            raise result
        return result

    def record(self, device, rate_hz, file):
        """Record into a WAV file of the share; tells when its first sample was."""

        def work(stop, ready):
            pcm = self._open(device, self._CAPTURE, rate_hz, 400_000)
            # A capture does not start by itself before somebody asks for a whole buffer at once.
            self._check(device, self._alsa.snd_pcm_start(pcm))
            frames = rate_hz // 50
            block = ctypes.create_string_buffer(frames * 2)
            started = None
            be_prompt(20)
            try:
                with wave.open(f"{self._share}/{file}", "wb") as writer:
                    writer.setparams((1, 2, rate_hz, 0, "NONE", ""))
                    while not stop.is_set():
                        got = self._alsa.snd_pcm_readi(pcm, block, frames)
                        if started is None:
                            # A card tells of what it captured by periods, which are longer than a block.
                            started = time.monotonic() - (max(got, 0) + self._alsa.snd_pcm_avail(pcm)) / rate_hz
                            ready.set()
                        if got < 0:
                            self._check(device, self._alsa.snd_pcm_recover(pcm, int(got), 1))
                            self._check(device, self._alsa.snd_pcm_start(pcm))
                            continue
                        writer.writeframesraw(block.raw[: got * 2])
            finally:
                self._alsa.snd_pcm_close(pcm)
            return {"file": file, "started_at": started}

        self.begin("record", work)

    def play(self, device, file):
        """Play a WAV file of the share over and over; tells when its first sample was heard."""

        def work(stop, ready):
            with wave.open(f"{self._share}/{file}", "rb") as reader:
                rate_hz, sound = reader.getframerate(), reader.readframes(reader.getnframes())
            pcm = self._open(device, self._PLAYBACK, rate_hz, 100_000)
            size, at, written, started = rate_hz // 50 * 2, 0, 0, None
            be_prompt(20)
            try:
                while not stop.is_set():
                    block = (sound[at:] + sound)[:size]
                    at = (at + size) % len(sound)
                    put = self._alsa.snd_pcm_writei(pcm, block, size // 2)
                    if put < 0:
                        self._check(device, self._alsa.snd_pcm_recover(pcm, int(put), 1))
                        continue
                    written += put
                    if started is None and (begun := self._begun(pcm, written, rate_hz)) is not None:
                        started = begun
                        ready.set()
            finally:
                self._alsa.snd_pcm_drop(pcm)
                self._alsa.snd_pcm_close(pcm)
            return {"file": file, "started_at": started}

        self.begin("play", work)

    def _begun(self, pcm, written, rate_hz):
        """When the first sample was heard, from what waits now; None while nothing has been."""
        waiting = ctypes.c_long()
        if self._alsa.snd_pcm_delay(pcm, ctypes.byref(waiting)) < 0 or waiting.value >= written:
            return None
        return time.monotonic() - (written - waiting.value) / rate_hz


class Control:
    """A client at the control socket of the phone: JSON-RPC 2.0, an object a line."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(path)
        self._file = self._socket.makefile("rb")
        self._news = threading.Condition()
        self._events, self._answers, self._last_id = [], {}, 0
        self._has_ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        self._socket.settimeout(None)
        with contextlib.suppress(OSError, ValueError):
            for line in self._file:
                message = json.loads(line)
                with self._news:
                    if "method" in message:
                        self._events.append((time.monotonic(), message["method"], message["params"]))
                    else:
                        self._answers[message["id"]] = message
                    self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def call(self, method, params):
        with self._news:
            self._last_id += 1
            number = self._last_id
            call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            self._socket.sendall(json.dumps(call).encode() + b"\n")
            self._news.wait_for(lambda: number in self._answers or self._has_ended, 30)
            if number not in self._answers:
                raise RuntimeError(f"the phone {'has gone' if self._has_ended else 'does not answer'}: {method}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def events(self, first, seconds):
        """Events from that number on; waits for one where there is none yet."""
        with self._news:
            self._news.wait_for(lambda: len(self._events) > first, seconds)
            return self._events[first : first + 50]

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Agent:
    """Does what is asked."""

    def __init__(self, share):
        self._share = share
        self._lines = Lines()
        self._watch = Watch(self._lines)
        self._hands = RemoteHands()
        self._sound = Sound(share)
        self.do_record, self.do_start_playing = self._sound.record, self._sound.play
        self._children = {}
        self._control = None

    def answer(self, request):
        verb = getattr(self, f"do_{request.pop('do', 'nothing')}", None)
        if verb is None:
            raise RuntimeError("no such verb")
        return verb(**request)

    def do_hello(self):
        kernel = os.uname()
        return {
            "kernel": f"{kernel.sysname} {kernel.release} {kernel.machine}",
            "python": sys.version.split()[0],
            "chip": self._lines.chip,
            "lines": self._lines.count,
            "uptime_s": float(self.do_read("/proc/uptime").split()[0]),
        }

    def do_sleep(self, seconds):
        time.sleep(seconds)

    def do_play(self, actions):
        return self._hands.play(actions)

    def do_levels(self, lines):
        return [self._lines.level(line) for line in lines]

    def do_edges(self, lines, since, until=None):
        """Edges of outputs, as [instant, line, level]."""
        return self._watch.edges(lines, since, time.monotonic() if until is None else until)

    def do_wait_edge(self, line, level, since, seconds):
        """When a line was first set to a level."""
        return self._watch.wait(line, level, since, seconds)

    def do_end_sound(self, name):
        """End "record" or "play"."""
        return self._sound.end(name)

    def do_run(self, command, text="", seconds=60.0, environment=None):
        """Run a command to its end."""
        surroundings = {**os.environ, **(environment or {})}
        options = {"capture_output": True, "text": True, "errors": "replace"}
        done = subprocess.run(command, check=False, input=text, timeout=seconds, env=surroundings, **options)
        return {"status": done.returncode, "out": done.stdout, "err": done.stderr}

    def do_spawn(self, name, command, log_path, environment=None, folder="/"):
        """Start a program that goes on; its process id."""
        surroundings = {**os.environ, **(environment or {})}
        with open(log_path, "ab") as output:
            options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, "start_new_session": True}
            self._children[name] = subprocess.Popen(command, cwd=folder, env=surroundings, **options)
        return self._children[name].pid

    def do_end(self, name, signal, seconds=10.0):
        """End a program that was spawned; its exit status."""
        child = self._children.pop(name)
        child.send_signal(signal)
        try:
            return child.wait(seconds)
        finally:
            child.kill()

    def do_connect(self, path):
        if self._control is not None:
            self._control.close()
        self._control = Control(path)

    def do_control(self, method, params):
        return self._control.call(method, params)

    def do_events(self, first, seconds):
        """What the phone has told to its subscriber, from event number `first` on: [instant, topic, params]."""
        return self._control.events(first, seconds)

    def do_read(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()


class Channel:
    """Lines of JSON both ways; long ones lie in the share, since a serial line has little room."""

    def __init__(self, path, share):
        self._share = share
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        if os.isatty(self._fd):
            tty.setraw(self._fd)
            termios.tcflush(self._fd, termios.TCIFLUSH)
        self._lock = threading.Lock()
        self._input = b""

    def read(self):
        """The next request; None for a line that is none."""
        while b"\n" not in self._input:
            data = os.read(self._fd, 65536)
            if not data:
                # A virtio port whose far end is not open.
                time.sleep(0.05)
            self._input = (self._input + data)[-LONGEST_LINE:]
        line, self._input = self._input.split(b"\n", 1)
        try:
            request = json.loads(line)
            if "file" in request and "do" not in request:
                with open(f"{self._share}/{request['file']}", encoding="utf-8") as file:
                    request = json.load(file)
        except (ValueError, TypeError):
            return None
        return request if isinstance(request, dict) else None

    def send(self, answer, bulk=False):
        data = (json.dumps(answer) + "\n").encode()
        if bulk and len(data) > LONG_LINE:
            name = f"answer-{answer['id']}.json"
            with open(f"{self._share}/{name}", "wb") as file:
                file.write(data)
            data = (json.dumps({"id": answer["id"], "file": name, "now": answer["now"]}) + "\n").encode()
        with self._lock:
            while data:
                data = data[os.write(self._fd, data) :]


def serve(channel_path, share):
    # A slow machine must not take a whole turn of Python's threads for a glance.
    sys.setswitchinterval(0.0005)
    channel = Channel(channel_path, share)
    agent = Agent(share)

    def answer(request):
        reply, bulk = {"id": request.pop("id", None)}, request.pop("bulk", False)
        try:
            reply["result"] = agent.answer(request)
        except Exception as error:
            reply["error"] = f"{type(error).__name__}: {error}"
        reply["now"] = [time.monotonic(), time.time()]
        channel.send(reply, bulk)

    while True:
        request = channel.read()
        if request is not None and request.get("do") == "leave":
            channel.send({"id": request.get("id"), "now": [time.monotonic(), time.time()], "result": None})
            return
        if request is not None:
            threading.Thread(target=answer, args=(request,), daemon=True).start()


if __name__ == "__main__":
    if sys.argv[1:] == ["--hands"]:
        Hands().run()
    else:
        serve(*sys.argv[1:3])
