"""What the prompt editor shows of evaluations: draft answers that are judged at once, and pinned rows."""
