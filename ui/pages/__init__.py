"""One module a page, each with ``page()``; ``ui/app.py`` lists them."""
