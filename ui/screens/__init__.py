"""One module a page, each with ``page()``; ``ui/app.py`` lists them.

A folder called "pages" would make Streamlit show its files as pages of their own.
"""
