"""`logging` without `traceback`, until there is something to trace."""

import subprocess
import sys

PREPARE = "import sys; from device import late_traceback; late_traceback.install(); import logging\n"


def run(program: str) -> subprocess.CompletedProcess[str]:
    # -S: what the test environment loads at every start is not ours to judge.
    return subprocess.run([sys.executable, "-S", "-c", PREPARE + program], capture_output=True, text=True, check=False)


def test_logging_comes_without_what_only_a_trace_needs():
    told = run(
        "logging.warning('one'); print(sorted({'linecache', 'tokenize', 'textwrap', 'inspect'} & set(sys.modules)))"
    )
    assert told.stdout == "[]\n", told.stderr


def test_an_exception_is_logged_whole():
    told = run("try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('broken')")
    assert "ERROR:root:broken" in told.stderr
    assert told.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "1 / 0" in told.stderr or 'File "<string>", line' in told.stderr


def test_whoever_imports_it_gets_the_real_names():
    told = run("from traceback import format_exc, print_stack\nimport traceback\nprint(traceback.__file__)")
    assert told.stdout.rstrip().endswith("traceback.py"), told.stderr


def test_names_that_are_not_there_are_missing_as_in_the_real_one():
    told = run("import traceback\nprint(hasattr(traceback, 'no_such_name'), hasattr(traceback, '__no_such__'))")
    assert told.stdout == "False False\n"


def test_the_real_module_stays_where_it_is_loaded_already():
    told = run(
        "import traceback; traceback.format_exc; late_traceback.install(); import traceback as t\nprint(t.__file__)"
    )
    assert told.stdout.rstrip().endswith("traceback.py")


def test_a_thread_that_fails_still_says_why():
    told = run(
        "import threading\n"
        "def fail():\n    raise ValueError('in the thread')\n"
        "thread = threading.Thread(target=fail)\nthread.start()\nthread.join()"
    )
    assert "ValueError: in the thread" in told.stderr
