"""The studio's pages, in Streamlit: thin, they draw what `view` and `studio` computed."""
