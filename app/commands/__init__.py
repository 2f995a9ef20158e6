"""The sub-commands of `./whetstone`, one module each with `arguments(parser)` and `run(options)`."""
