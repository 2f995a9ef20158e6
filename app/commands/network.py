"""Who reaches what is served."""

import argparse


def add_open_to_network(parser: argparse.ArgumentParser) -> None:
    """The option `--open-to-network`."""
    parser.add_argument(
        "--open-to-network",
        action="store_true",
        help="let --host be an address that other machines reach although WHETSTONE_ENV is not production",
    )
