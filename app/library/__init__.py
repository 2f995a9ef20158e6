"""Starting prompts: ten tasks that teams often have, each with rows, evaluators and a score to begin from."""
