"""A graph file that a visitor sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from graphflow.studio.client import open_studio

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def graph_file(label: str, key: str) -> UploadedFile | None:
    """A file, if one was sent. What is taken stands beside the field, for of a file that is larger
    the browser shows no more than a mark beside its name.
    """
    limits = open_studio().limits
    size = f"{limits.upload_bytes / 1e6:g} MB"
    sent = st.file_uploader(
        f"{label} (YAML, at most {size})", ["yaml", "yml"], key=key,
        max_upload_size=limits.upload_megabytes,
    )  # fmt: skip
    st.caption(f"A file of more than {size} is not taken: a red mark stands beside its name then.")
    return sent
