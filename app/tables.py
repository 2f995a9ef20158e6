"""Every table in one place, for migrations and tests: importing this fills the metadata."""

from app.accounts import models as accounts
from app.comments import models as comments
from app.core.database import Base
from app.datasets import models as datasets
from app.evaluations import models as evaluations
from app.evaluators import models as evaluators
from app.files import models as files
from app.generations import models as generations
from app.logs import models as logs
from app.monitoring import models as monitoring
from app.providers import models as providers
from app.review import models as review
from app.tools import models as tools
from app.workspaces import models as workspaces

DOMAINS = (
    accounts, workspaces, providers, files, tools, datasets, evaluators, logs, generations, evaluations, monitoring, review, comments,
)  # fmt: skip
ALL_TABLES = Base.metadata.sorted_tables
