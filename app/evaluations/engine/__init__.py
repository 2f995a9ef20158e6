"""The workers' side of a run: taking rows, asking, writing what came, stopping when it is clear, and recovering what was lost."""
