"""Every statistic by its name, with its arguments and an example: what `/v5/statistics` lists and works out. It reads no tables."""
