"""The table of docs/call-routing.md has every state and piece of news of a request under way, and nothing else."""

from device.exchange.proxy import Proxy
from device.exchange.response_context import News, Progress
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "call-routing.md").read_text()
COLUMNS = (
    News.PROVISIONAL,
    News.SUCCESS,
    News.FAILURE,
    News.GLOBAL_FAILURE,
    News.CANCEL,
    News.RING_OVER,
    News.EXHAUSTED,
)


def rows() -> dict[Progress, list[str]]:
    """The cells of each state."""
    table = [line for line in PAGE.splitlines() if line.startswith("| ") and line.split(" ")[1].isupper()]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {Progress[state]: rest for state, *rest in cells}


def test_every_state_and_all_news_are_there() -> None:
    assert list(rows()) == [
        Progress.SEARCHING,
        Progress.CANCELLED,
        Progress.DECLINED,
        Progress.ANSWERED,
        Progress.REFUSED,
    ]
    assert set(COLUMNS) == set(News)
    assert all(len(cells) == len(COLUMNS) for cells in rows().values())


def test_a_cell_says_what_the_table_of_the_proxy_does() -> None:
    for state, cells in rows().items():
        for news, cell in zip(COLUMNS, cells, strict=True):
            row = Proxy.TABLE.get((state, news))
            assert bool(cell) == (row is not None), (state, news)
            following = state if row is None else row[0]
            named = cell.rpartition(": ")[2]
            assert (named == following.name) == (following is not state), (state, news, cell)
