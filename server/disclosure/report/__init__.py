"""The custody report as a PDF for people; pure, from :mod:`server.disclosure.facts`."""
