"""Completion and manual know every verb."""

import shutil
import subprocess

import pytest

from device.cli_commands.completion import SHELLS, completion_script, manual_page, verbs
from device.cli_commands.verbs import COMMANDS, PROGRAMS


def complete(*words: str) -> list[str]:
    """What bash offers at the last of these words."""
    script = completion_script("bash")
    typed = " ".join(f"'{word}'" for word in ("offhook", *words))
    tail = f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _offhook; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{tail}"], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bash_completes_verbs_their_second_words_options_and_choices() -> None:
    assert complete("stat") == ["status"]
    assert set(complete("account", "")) >= {"add", "list", "remove"}
    assert complete("account", "ad") == ["add"]
    assert "--password-stdin" in complete("account", "add", "office", "--pass")
    assert set(complete("completion", "")) >= set(SHELLS)
    assert complete("zzz") == []
    assert {"user", "records", "ban", "export"} <= set(complete("exchange", ""))
    assert complete("exchange", "user", "re") == ["remove"]
    assert "--csv" in complete("exchange", "records", "--")
    assert "why" in complete("help", "wh")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_verb_is_in_every_script(shell: str) -> None:
    script = completion_script(shell)
    for verb in verbs():
        for word in verb.words.split():
            assert word in script, verb.words


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_is_one_that_bash_can_read() -> None:
    subprocess.run(["bash", "-n"], input=completion_script("bash"), text=True, check=True)


def test_an_unknown_shell_is_refused() -> None:
    with pytest.raises(ValueError, match="bash, zsh, fish"):
        completion_script("tcsh")


def test_the_manual_tells_of_every_verb() -> None:
    page = manual_page()
    assert page.startswith(".TH OFFHOOK 1")
    for words in [*PROGRAMS, *COMMANDS]:
        assert words.replace("-", "\\-") in page, words
    for line in page.splitlines():
        assert not line.startswith("'"), line


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_nothing_to_complain_of() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=manual_page(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
