"""Files and directories as GitHub's contents API shows them."""

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from bot.sandbox.records import Repository
from bot.sandbox.shapes import Shape, Shapes


def blob_sha(text: str) -> str:
    """The id that git gives a file's content."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\x00" % len(data) + data, usedforsecurity=False).hexdigest()


def file_shape(shapes: Shapes, repository: Repository, path: str, text: str, *, ref: str) -> Shape:
    """`content-file`, its content in base64 with a line break every 60 characters, as GitHub's."""
    encoded = base64.b64encode(text.encode()).decode()
    lines = [encoded[start : start + 60] for start in range(0, len(encoded), 60)]
    entry = _entry(shapes, repository, path, text, ref)
    return {**entry, "content": "".join(line + "\n" for line in lines), "encoding": "base64"}


def directory_shape(
    shapes: Shapes, repository: Repository, path: str, files: Mapping[str, str], *, ref: str
) -> list[Shape]:
    """`content-directory`: what lies directly in `path`, which is empty for the root."""
    prefix = f"{path}/" if path else ""
    entries: dict[str, Shape] = {}
    for name in sorted(files):
        if name.startswith(prefix):
            first, _, rest = name.removeprefix(prefix).partition("/")
            entries[first] = _entry(shapes, repository, prefix + first, None if rest else files[name], ref)
    return list(entries.values())


def _entry(shapes: Shapes, repository: Repository, path: str, text: str | None, ref: str) -> Shape:
    """A file of this text, or a directory where there is none."""
    api = f"{shapes.api_url}/repos/{repository.full_name}"
    html = f"{shapes.url}/{repository.full_name}"
    is_file = text is not None
    sha = blob_sha(path if text is None else text)
    url = f"{api}/contents/{quote(path)}?ref={quote(ref, safe='')}"
    git = f"{api}/git/{'blobs' if is_file else 'trees'}/{sha}"
    page = f"{html}/{'blob' if is_file else 'tree'}/{quote(ref)}/{quote(path)}"
    return {
        "type": "file" if is_file else "dir",
        "size": len((text or "").encode()),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": git,
        "html_url": page,
        "download_url": f"{html}/raw/{quote(ref)}/{quote(path)}" if is_file else None,
        "_links": {"self": url, "git": git, "html": page},
    }
