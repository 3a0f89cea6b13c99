"""Packages of the tree: their three files, versions, hashes, and what offhook's own package promises."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from device import __version__
from device.media.codecs.native import LIBRARIES

ROOT = Path(__file__).parents[2]
TREE = ROOT / "buildroot"
PACKAGES = sorted(path.name for path in (TREE / "package").iterdir())
HEADER = "#" * 80
ASSIGNMENT = re.compile(r"^(?P<name>[A-Z0-9_]+) [:?]?= *(?P<value>(?:.*\\\n)*.*)$", re.MULTILINE)
HASH = re.compile(r"(?:md5  [0-9a-f]{32}|sha256  [0-9a-f]{64})  (?P<file>\S+)")


def text_of(package: str, suffix: str) -> str:
    return (TREE / "package" / package / (suffix if suffix == "Config.in" else package + suffix)).read_text()


def variables(package: str) -> dict[str, str]:
    """The variables of a package's .mk file, by the name after its prefix."""
    prefix = package.upper().replace("-", "_") + "_"
    found = {match["name"]: match["value"] for match in ASSIGNMENT.finditer(text_of(package, ".mk"))}
    assert all(name.startswith(prefix) for name in found), "a package may only set variables of its own"
    values = {name.removeprefix(prefix): value for name, value in found.items()}
    return {name: value.replace(f"$({prefix}VERSION)", values.get("VERSION", "")) for name, value in values.items()}


def hashes(package: str) -> dict[str, list[str]]:
    """The hashed files of a package with the kinds of their hashes."""
    found: dict[str, list[str]] = {}
    for line in text_of(package, ".hash").splitlines():
        if line.startswith("#"):
            continue
        match = HASH.fullmatch(line)
        assert match, f"{line!r} is no line of a hash file: kind, two blanks, hash, two blanks, file"
        found.setdefault(match["file"], []).append(line.split("  ")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_the_files_have_the_form_that_buildroot_asks_for(package: str) -> None:
    makefile, config = text_of(package, ".mk"), text_of(package, "Config.in")
    assert makefile.startswith(f"{HEADER}\n#\n# {package}\n#\n{HEADER}\n\n")
    assert "$(eval $(python-package))\n" in makefile
    symbol = "BR2_PACKAGE_" + package.upper().replace("-", "_")
    assert re.match(rf'(menu)?config {symbol}\n\tbool "{package}"\n', config)
    assert f'source "$BR2_EXTERNAL_OFFHOOK_PATH/package/{package}/Config.in"\n' in (TREE / "Config.in").read_text()
    in_help = False
    for line in config.splitlines():
        if line and not line[0].isspace():
            in_help = False
        if in_help and line:
            assert re.match(r"\t  \S", line), f"help is indented by a tab and two blanks: {line!r}"
            assert len(line.expandtabs()) <= 80
        elif line[:1].isspace():
            assert re.match(r"\t{1,2}\S", line), f"lines of an entry are indented by tabs: {line!r}"
        in_help = in_help or line == "\thelp"
        assert line == line.rstrip()


@pytest.mark.parametrize("package", PACKAGES)
def test_whatever_is_downloaded_has_hashes_and_so_has_each_licence(package: str) -> None:
    given, known = variables(package), hashes(package)
    wanted = {name: ["sha256"] for name in given["LICENSE_FILES"].split()}
    if given.get("SITE_METHOD") != "local":
        assert given["SITE"].startswith("$(OFFHOOK_PYTHON_SOURCES)/")
        wanted[given["SOURCE"]] = ["md5", "sha256"]
        assert given["VERSION"] in given["SOURCE"]
    assert known == wanted
    assert given["LICENSE"]
    assert given["SETUP_TYPE"] == "setuptools"


def test_the_package_of_offhook_is_this_checkout() -> None:
    given = variables("python-offhook")
    assert given["VERSION"] == __version__
    assert given["SITE"] == "$(BR2_EXTERNAL_OFFHOOK_PATH)/.."
    licence = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert f"sha256  {licence}  LICENSE\n" in text_of("python-offhook", ".hash")


def test_what_is_copied_into_the_build_is_what_the_build_needs() -> None:
    """The rest of a checkout (virtual environment, images) may be huge; rsync takes the first rule that fits."""
    rules = re.findall(r"--include='?/([\w.]+)", variables("python-offhook")["OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(rules) == {
        "device",
        "firmware_scripts",
        "systemd",
        "LICENSE",
        "pyproject.toml",
        project["project"]["readme"],
    }
    assert all((ROOT / name).exists() for name in rules)


def selected(option: str) -> set[str]:
    """What an option of offhook's own package selects."""
    block = re.search(rf"config {option}\n((?:\t.*\n|\n)+)", text_of("python-offhook", "Config.in"))
    assert block
    return {symbol.removeprefix("BR2_PACKAGE_") for symbol in re.findall(r"\tselect (BR2_\w+)", block[1])}


def test_each_dependency_of_the_project_is_selected_in_a_version_that_fits() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert project["dependencies"] == ["audioop-lts>=0.2.1; python_version >= '3.13'"]
    assert variables("python-audioop-lts")["VERSION"] == "0.2.2"
    assert "PYTHON_AUDIOOP_LTS" in selected("BR2_PACKAGE_PYTHON_OFFHOOK")
    # The package is empty for the Pythons that have the module.
    assert "ifeq ($(filter 3.11 3.12,$(PYTHON3_VERSION_MAJOR)),)\n" in text_of("python-audioop-lts", ".mk")
    # Both lines of Buildroot bring pyalsaaudio 0.11.0 and pyserial 3.5.
    assert extras["alsa"] == ["pyalsaaudio>=0.11"]
    assert selected("BR2_PACKAGE_PYTHON_OFFHOOK_ALSA") == {"PYTHON_ALSAAUDIO"}
    assert extras["gpio"] == []
    assert extras["console"] == ["pyserial>=3.5"]
    # The passwords of the console need scrypt, which hashlib has from OpenSSL.
    assert selected("BR2_PACKAGE_PYTHON_OFFHOOK_CONSOLE") == {"PYTHON_SERIAL", "PYTHON3_SSL"}
    assert extras["rpi-gpio"] == ["rpi-lgpio>=0.6"]
    assert variables("python-rpi-lgpio")["VERSION"] == "0.6"
    assert selected("BR2_PACKAGE_PYTHON_OFFHOOK_RPI_GPIO") == {"PYTHON_RPI_LGPIO"}
    assert "select BR2_PACKAGE_PYTHON_LGPIO # runtime" in text_of("python-rpi-lgpio", "Config.in")


@pytest.mark.parametrize("python", ["3.12", "3.14"])
def test_the_project_takes_the_pythons_of_both_lines(python: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.15"
    assert f"Programming Language :: Python :: {python}" in project["classifiers"]


def test_the_modules_of_python_that_buildroot_leaves_out_are_selected_or_not_needed() -> None:
    """Of those that cost an option of Buildroot offhook needs SQLite, for upgrades zlib, for TLS ssl."""
    optional = {
        "_bz2": "BZIP2", "_curses": "CURSES", "_decimal": "DECIMAL", "readline": "READLINE", "_ssl": "SSL",
        "ssl": "SSL", "_sqlite3": "SQLITE", "pyexpat": "PYEXPAT", "_lzma": "XZ", "zlib": "ZLIB", "bz2": "BZIP2",
        "decimal": "DECIMAL",
        "sqlite3": "SQLITE", "lzma": "XZ", "xml": "PYEXPAT", "curses": "CURSES", "_hashlib": "SSL",
    }  # fmt: skip
    imports = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)
    used = {
        optional[name]
        for path in (ROOT / "device").rglob("*.py")
        for name in imports.findall(path.read_text())
        if name in optional
    }
    assert used == {"SQLITE", "SSL", "ZLIB"}
    assert selected("BR2_PACKAGE_PYTHON_OFFHOOK") >= {"PYTHON3_SQLITE", "PYTHON3_ZLIB"}
    assert "PYTHON3_SSL" in selected("BR2_PACKAGE_PYTHON_OFFHOOK_TLS")


def test_the_byte_code_that_is_shipped_comes_from_the_script_of_the_project() -> None:
    makefile = text_of("python-offhook", ".mk")
    script = (ROOT / "firmware_scripts" / "compile-bytecode").read_text()
    for option in ("--sourceless", "--runs-as", "--into"):
        assert option in makefile
        assert f'"{option}"' in script


def test_units_come_from_install_system_and_the_extra_presets_name_units_that_are_there() -> None:
    makefile = text_of("python-offhook", ".mk")
    assert "$(@D)/firmware_scripts/install-system $(TARGET_DIR) --prefix /usr --watchdog\n" in makefile
    units = re.findall(r'"enable ([\w@.-]+)', makefile)
    assert units == ["offhook-exchange.service", "offhook-console@.service"]
    assert all((ROOT / "systemd" / unit).exists() for unit in units)
    # Whichever file of presets comes first decides.
    own = re.search(r"system-preset/(\S+\.preset)", makefile)
    general = re.search(r"system-preset/(\S+\.preset)", (ROOT / "firmware_scripts" / "install-system").read_text())
    assert own
    assert general
    assert own[1] < general[1]


def test_each_script_that_is_installed_is_there() -> None:
    folder = TREE / "package" / "python-offhook"
    named = set(re.findall(r"\$\(PYTHON_OFFHOOK_PKGDIR\)/([\w-]+)", text_of("python-offhook", ".mk")))
    others = {"Config.in", "python-offhook.mk", "python-offhook.hash"}
    assert named == {path.name for path in folder.iterdir()} - others


def test_the_groups_of_the_user_are_those_of_the_units() -> None:
    users = re.search(r"define PYTHON_OFFHOOK_USERS\n((?:\t.*\n)+)endef", text_of("python-offhook", ".mk"))
    assert users
    rows = [line.split(maxsplit=8) for line in users[1].splitlines()]
    assert all(len(row) == 9 for row in rows)
    phone = next(row for row in rows if row[0] == "offhook")
    members = set(re.findall(r"^m offhook (\w+)$", (ROOT / "systemd" / "offhook.sysusers").read_text(), re.MULTILINE))
    assert set(phone[7].split(",")) == members
    assert phone[4] == "*", "nobody logs in as this user"
    assert [row[2] for row in rows if row[0] == "-"] == ["gpio"], "the other groups are those of Buildroot's skeleton"


def test_the_tree_names_itself_as_buildroot_asks_for() -> None:
    assert re.fullmatch(r"name: OFFHOOK\ndesc: .{10,80}\n", (TREE / "external.desc").read_text())
    assert "BR2_EXTERNAL_OFFHOOK_PATH" in (TREE / "external.mk").read_text()


def test_each_library_that_is_loaded_when_it_is_needed_has_an_option() -> None:
    packages = {"opus": "OPUS", "spandsp": "SPANDSP", "gsm": "LIBGSM", "speex": "SPEEX", "speexdsp": "SPEEXDSP"}
    assert set(packages) == set(LIBRARIES)
    options = [name for name in names_of_options() if name != "BR2_PACKAGE_PYTHON_OFFHOOK"]
    assert set(packages.values()) <= set().union(*map(selected, options))
    fragment = (TREE / "fragments" / "everything.config").read_text()
    assert [name for name in options if f"{name}=" not in fragment] == []


def names_of_options() -> list[str]:
    """Every option of offhook's own package."""
    return re.findall(r"config (BR2_PACKAGE_PYTHON_OFFHOOK\w*)\n", text_of("python-offhook", "Config.in"))
