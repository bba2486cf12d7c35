"""Which files of a folder are images of a user's, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import Save

from srbench.core.errors import UserError
from srbench.data.datasets import folder
from srbench.data.folders import images_below


@pytest.mark.parametrize(
    "hidden",
    [
        "@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg", "._a.png", "__MACOSX/._a.png", "__MACOSX/a.png",
        ".thumbnails/a.png", "deep/#recycle/a.png", "$RECYCLE.BIN/x.jpg", "lost+found/1.png",
    ],
)  # fmt: skip
def test_files_of_system_software_are_left_out(tmp_path: Path, save: Save, hidden: str) -> None:
    for name in ("a.png", "deep/b.png", hidden):
        save(name)
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / name).touch()
    assert [file.name for file in images_below(tmp_path, "folder")] == ["a", "deep/b"]


def test_a_folder_that_is_named_counts_whatever_it_is_called(tmp_path: Path, save: Save) -> None:
    save(".cache/@tmp/a.png")
    assert [file.name for file in images_below(tmp_path / ".cache" / "@tmp", "folder")] == ["a"]


def test_links_to_folders_are_followed_and_every_folder_is_searched_once(
    tmp_path: Path, save: Save
) -> None:
    save("elsewhere/a.png"), save("set/b/b.png")
    for name, target in {"a": "../elsewhere", "again": "b", "self": ".", "up": ".."}.items():
        (tmp_path / "set" / name).symlink_to(target)
    assert [file.name for file in images_below(tmp_path / "set", "folder")] == ["a/a", "b/b"]


CONTAINERS = {
    "train.h5": (b"\x89HDF\r\n\x1a\n", "train.h5 is an HDF5 file; .*unpack it first"),
    "renamed.mat": (b"\x89HDF\r\n\x1a\n", "renamed.mat is an HDF5 file"),
    "set.lmdb/data.mdb": (b"", "set.lmdb is an LMDB database; .*unpack it first"),
    "set.tar": (b"", "set.tar is a file; .*unpack an archive"),
    "one.png": (b"", "one.png is a file; name the folder it is in"),
    "npy/a.npy": (b"", r"no image in .*npy \(looked for .*; it holds 1 .npy\)"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_is_no_folder_of_images_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    content, says = CONTAINERS[name]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says):
        folder("train", 2, path=str(tmp_path / name.split("/")[0]))


@pytest.mark.parametrize("path", ["$HOME/photos", "photos/*.png"])
def test_patterns_and_variables_in_a_path_are_named(path: str) -> None:
    with pytest.raises(UserError, match=r"patterns and variables are not expanded$"):
        folder("train", 2, path=path)
