"""What a studio shows, as plain data: a file run step by step, drawn, and told in numbers.

Nothing here knows a browser or Streamlit. A :class:`~graphflow.view.workspace.Workspace` says what
is open; a study of it is run and drawn; all answers are frozen data that a page can show, a test
can read and a process can send.
"""
