"""Model providers: the only place that calls a model, with its keys, prices and limits."""
