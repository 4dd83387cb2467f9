"""Which file of a package an address means, and as what it may be served."""

from pathlib import Path

from plugin.scorm.addresses import alike, normal

UNKNOWN = "application/octet-stream"
_TYPES = {
    "text/html": "html htm",
    "application/xhtml+xml": "xhtml",
    "text/css": "css",
    "text/javascript": "js mjs",
    "application/json": "json map webmanifest",
    "application/xml": "xml xsd xsl dtd",
    "text/plain": "txt md csv tsv srt",
    "text/vtt": "vtt",
    "image/png": "png",
    "image/jpeg": "jpg jpeg jpe",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/x-icon": "ico cur",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/ogg": "ogg oga opus",
    "audio/wav": "wav",
    "audio/webm": "weba",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "application/vnd.apple.mpegurl": "m3u8",
    "video/mp2t": "ts",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "application/vnd.ms-fontobject": "eot",
    "application/pdf": "pdf",
    "application/wasm": "wasm",
    "application/zip": "zip",
}
BY_ENDING = {ending: kind for kind, endings in _TYPES.items() for ending in endings.split()}


def media_type(name: str) -> str | None:
    """The type a browser may treat the file as; None: it may only be downloaded."""
    return BY_ENDING.get(name.rpartition(".")[2].lower())


def find(root: Path, name: str) -> Path | None:
    """The file below `root`; names are forgiven how they are spelled, never a way out."""
    parts = [part for part in normal(name).replace("\\", "/").split("/") if part not in {"", "."}]
    if not parts or ".." in parts or "\0" in name:
        return None
    exact = root.joinpath(*parts)
    if _is_there(exact) and exact.is_file():
        return exact
    found = root
    for part in parts:
        below = _child(found, part)
        if below is None:
            return None
        found = below
    return found if found.is_file() else None


def _child(folder: Path, name: str) -> Path | None:
    if _is_there(folder / name):
        return folder / name
    if not folder.is_dir():
        return None
    wanted = alike(name)
    return next((each for each in folder.iterdir() if alike(each.name) == wanted), None)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than any name there can be
        return False
