"""The practice provider: an OpenAI-compatible endpoint over a small extractive model. It is not an LLM.

The model reads the structure of a prompt (labels, examples, passage and question, schema, tools, reference)
and answers only with what stands there. It knows no data set. Every completion says what was read, in `x_practice`.
"""

NOTE = "practice model, not an LLM"
CONTEXT_TOKENS = 32_000
"""That its chat model takes."""
