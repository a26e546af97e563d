"""``python -m server.witness``: for a machine on which nothing else of the server is set up."""

from server.witness.command import group

if __name__ == "__main__":
    group(prog_name="python -m server.witness")
