"""The pages of prompts, tools, flows and agents that show scores: dashboards, versions, differences, deployments, the tree."""
