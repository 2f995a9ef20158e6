"""The composition root of the web process: every door, joined to who may pass it."""

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from app.calculator import api as calculator_api
from app.comments import api as comments_api
from app.comments import pages as comment_pages
from app.comments import service as comments
from app.comments import thread as comment_threads
from app.core import health as probes
from app.core import http, logging, openapi, templating, urlguard
from app.core.beforehand import Beforehand
from app.core.permissions import include, most_asked_first, undeclared_routes
from app.core.request_bodies import FORM_LIMITS
from app.core.templating import ROOT
from app.datasets import api as datasets_api
from app.datasets import draft_api as dataset_draft_api
from app.datasets import draft_pages as dataset_draft_pages
from app.datasets import pages as dataset_pages
from app.datasets import row_pages as dataset_row_pages
from app.datasets import suspects
from app.datasets.copying import copy_rows
from app.evaluations import api as evaluations_api
from app.evaluations import arrivals, judgment_api, limits_api, limits_pages, metrics_api
from app.evaluations import pages as evaluation_pages
from app.evaluations.evaluator_editor import api as evaluator_api
from app.evaluations.evaluator_editor import listing as evaluator_list
from app.evaluations.evaluator_editor import pages as evaluator_pages
from app.evaluations.evaluator_editor import version_pages as evaluator_version_pages
from app.evaluations.figures import last_scores, suspect_repository
from app.evaluations.file_pages import files_pages, import_pages, plain_pages, prompt_pages, tool_pages
from app.evaluations.gate import api as gate_api
from app.evaluations.grid import pages as grid_pages
from app.evaluations.grid.places import places_of_logs
from app.evaluations.judges import pages as agreement_pages
from app.evaluations.lineage import api as lineage_api
from app.evaluations.lineage import pages as lineage_pages
from app.evaluations.new_evaluation import pages as new_pages
from app.evaluations.prompt_editor import draft_pages, pinned_pages
from app.evaluations.reports import link_api as report_link_api
from app.evaluations.reports import link_pages as report_link_pages
from app.evaluators import api as evaluators_api
from app.evaluators import presentation as evaluators_presentation
from app.files import api as files_api
from app.files import (
    copy_pages,
    copying,
    environment_api,
    environment_pages,
    fetching,
    folder_pages,
    sidebar,
    trash_api,
    trash_pages,
)
from app.files import presentation as files_presentation
from app.files.models import FileKind
from app.flows import api as flows_api
from app.generations import api as generations_api
from app.generations import draft_api as prompt_draft_api
from app.generations import draft_pages as prompt_draft_pages
from app.generations import example_pages as prompt_example_pages
from app.generations import pages as generations_pages
from app.generations import pin_api, row_api, row_pages, talk_pages, tool_api
from app.generations.rebuilding import rebuilt_request
from app.home import health, needs, overview_api, search_api, search_pages
from app.home import pages as home_pages
from app.library import api as library_api
from app.library import pages as library_pages
from app.logs import api as logs_api
from app.logs import arrivals as log_arrivals
from app.logs import counting as log_counting
from app.logs import (
    histogram_api,
    histogram_pages,
    log_pages,
    logging_api,
    provider_pages,
    quarantine_api,
    quarantine_pages,
    retention_api,
    retention_pages,
    span_api,
    spend_api,
    spend_pages,
    view_api,
    view_pages,
)
from app.monitoring import api as monitoring_api
from app.monitoring import arrivals as monitoring_arrivals
from app.monitoring import pages as monitoring_pages
from app.monitoring import presentation as monitoring_presentation
from app.monitoring import repository as monitoring_repository
from app.prompts import agent_api
from app.prompts import api as prompts_api
from app.prompts import presentation as prompts_presentation
from app.prompts.linked_tools import linked_tools_of
from app.providers import api as providers_api
from app.providers.pool import close_pool
from app.reference import pages as reference_pages
from app.reference.words import PARAMETERS, SECTIONS
from app.review import api as review_api
from app.review import guest_api as review_guest_api
from app.review import guest_link_pages, guest_pages
from app.review import log_pages as review_log_pages
from app.review import pages as review_pages
from app.review import repository as review_repository
from app.review import target_api as review_target_api
from app.review import target_pages as review_target_pages
from app.statistics import arrays
from app.tools import api as tools_api
from app.transfer import pages as transfer_pages
from app.workspaces import (
    account_pages,
    audit_api,
    audit_pages,
    joining_pages,
    members_api,
    members_pages,
    signin_pages,
    sso_pages,
)
from app.workspaces import api as workspaces_api
from app.workspaces import pages as workspace_pages
from app.workspaces.authentication import authenticate, is_known

ROUTERS = (
    probes.router,
    signin_pages.router,
    sso_pages.router,
    home_pages.router,
    search_pages.router,
    talk_pages.router,
    generations_pages.router,  # before the prompt's own page: `new` is no id
    prompt_draft_pages.router,
    prompt_example_pages.router,
    prompt_pages.router,
    files_pages.router,
    import_pages.router,
    new_pages.router,  # before the reports: `new` is no id
    evaluation_pages.router,
    report_link_pages.router,
    grid_pages.router,
    draft_pages.router,
    pinned_pages.router,
    agreement_pages.router,  # before the evaluator's own page
    lineage_pages.router,
    review_log_pages.router,  # before the queues: `from-logs` is no id
    review_pages.router,
    review_target_pages.router,
    guest_link_pages.router,
    guest_pages.router,
    comment_pages.router,
    evaluator_pages.router,
    evaluator_version_pages.router,
    evaluator_api.router,
    judgment_api.hot,
    judgment_api.router,
    tool_pages.router,  # before the tool's own page: `new` is no id
    *(plain_pages.plain_routes(kind) for kind in (FileKind.TOOL, FileKind.FLOW, FileKind.AGENT)),
    dataset_pages.router,
    dataset_draft_pages.router,
    dataset_row_pages.router,
    row_pages.router,
    provider_pages.router,
    limits_pages.router,
    spend_pages.router,
    retention_pages.router,
    log_pages.router,
    histogram_pages.router,
    view_pages.router,
    quarantine_pages.router,
    library_pages.router,
    monitoring_pages.router,
    transfer_pages.router,
    workspace_pages.router,
    members_pages.router,
    account_pages.router,
    joining_pages.router,
    audit_pages.router,
    reference_pages.router,
    trash_pages.router,
    copy_pages.router,
    folder_pages.router,
    environment_pages.router,
    environment_api.router,
    files_api.hot,
    files_api.router,
    trash_api.router,
    search_api.router,
    overview_api.router,
    library_api.router,
    prompts_api.router,
    prompts_api.common,
    tools_api.router,
    tools_api.common,
    flows_api.router,
    flows_api.common,
    generations_api.hot,
    prompt_draft_api.router,
    pin_api.router,
    tool_api.router,
    agent_api.router,
    agent_api.common,
    datasets_api.router,  # before `common`: it reads a dataset in its own way
    datasets_api.common,
    dataset_draft_api.router,
    row_api.router,
    evaluators_api.router,
    evaluators_api.common,
    evaluators_api.kinds_router,
    evaluators_api.databases_router,
    evaluations_api.router,
    lineage_api.router,
    report_link_api.router,
    gate_api.router,
    review_api.router,
    review_target_api.router,
    review_guest_api.router,
    comments_api.router,
    monitoring_api.router,
    limits_api.router,
    logs_api.router,
    histogram_api.router,
    view_api.router,
    logging_api.hot,
    logging_api.router,
    span_api.router,
    metrics_api.router,
    spend_api.router,
    retention_api.router,
    quarantine_api.router,
    providers_api.router,
    workspaces_api.router,
    workspaces_api.webhooks_router,
    members_api.router,
    audit_api.router,
    calculator_api.router,
)

files_presentation.SLOTS.update(
    inputs=(prompts_presentation.inputs_of, evaluators_presentation.inputs_of),
    spec=(evaluators_presentation.specs_of,),
    linked_tools=(linked_tools_of,),
    version_logs_count=(log_counting.judgments_of_versions,),
    total_logs_count=(log_counting.judgments_of_files,),
    evaluators=(monitoring_presentation.monitors_of,),
    raw_file_content=(prompts_presentation.raw_files_of,),
    evaluator_aggregates=(last_scores.aggregates_of,),
)
copying.COPY_ROWS[FileKind.DATASET] = copy_rows
sidebar.WAITING[:] = [review_repository.count_waiting]
health.WATCHING[:] = [monitoring_repository.judging_versions]
evaluator_list.MONITORS[:] = [monitoring_repository.list_uses]
suspects.SPEAKING[:] = [suspect_repository.list_suspects]
fetching.CHANGING_ELSEWHERE[:] = [monitoring_repository.monitored_among]
fetching.DEPENDING_ON_OTHERS[:] = [prompts_presentation.changes_with_others]
templating.SLOTS.update(
    thread=comment_threads.find_thread,
    comment_counts=comment_threads.count_comments,
    rebuilt_request=rebuilt_request,
    rows_of_logs=places_of_logs,
)
needs.MENTIONS[:] = [comments.list_mentions]
log_arrivals.listen(arrivals.take, concerned=arrivals.concerned)
log_arrivals.listen(monitoring_arrivals.notice, concerned=monitoring_arrivals.concerned)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    await close_pool()


def _shapes_of_answers() -> tuple[Mapping[str, Any], Any]:
    from app.reference.answers import shapes_of_answers  # noqa: PLC0415 - a hundred models that only the reference needs

    return shapes_of_answers()


def _examples_of_answers() -> Mapping[str, Any]:
    from app.reference.answers import examples_of_answers  # noqa: PLC0415 - as above

    return examples_of_answers()


def create_app() -> FastAPI:
    """The whole web application.

    Raises:
        RuntimeError: a route declares no permission.
        ValueError: WHETSTONE_PRIVATE_HOSTS cannot be read.
    """
    logging.configure()
    urlguard.allowed()
    app = FastAPI(
        title="Whetstone",
        version="5",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        form_limits=FORM_LIMITS,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are in `core.metrics`
    )
    app.state.authenticate = authenticate
    app.state.shell = sidebar.build_sidebar
    http.install(app, knows=is_known)
    for router in ROUTERS:
        include(app, router)
    most_asked_first(app)
    openapi.describe(app, openapi.Words(SECTIONS, PARAMETERS, _shapes_of_answers, _examples_of_answers))
    app.mount("/static", StaticFiles(directory=ROOT / "static"), name="static")
    if missing := undeclared_routes(app):
        msg = f"These routes declare no permission: {', '.join(missing)}"
        raise RuntimeError(msg)
    return app


def create_lasting_app() -> FastAPI:
    """The application of a process that serves nothing else, left out of garbage collection: it never becomes garbage.

    Half a million objects of modules, models and templates would be walked over again and again in the middle of
    requests, for half a second on a busy machine. What reports take is loaded once the first page is out.
    """
    app = create_app()
    app.add_middleware(Beforehand, load=arrays.load)
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 20)
    return app
