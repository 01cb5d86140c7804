"""The part of the configuration that alerting reads."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from tocsin.config.kinds import (
    Day,
    Duration,
    GroupName,
    Instant,
    LinkUrl,
    Patterns,
    Secret,
    SecretUrl,
    Section,
    Times,
    Timezone,
    WebUrl,
)


class BurstConfig(Section):
    """The default rule: an adaptive ERROR burst."""

    enabled: bool = True
    min_count: int = Field(6, ge=1)
    warning_factor: float = Field(2.0, gt=1)
    critical_factor: float = Field(3.0, gt=1)
    windows: list[Duration] = [1.0, 5.0, 15.0, 60.0, 300.0]
    half_life: Duration = 1800.0
    resolve_window: Duration = Field(60.0, ge=1, description="errors are counted in it")
    resolve_quiet: Duration = Field(
        120.0, description="how long it must stay calm until an incident is resolved"
    )
    reopen_within: Duration = Field(
        600.0, description="the same incident again, without a new page"
    )


class SlackConfig(Section):
    """Where in Slack messages go."""

    webhook_url: SecretUrl | None = None
    bot_token: SecretStr | None = None
    channel: str | None = None
    api_url: WebUrl = "https://slack.com/api/"


class SlackReceiver(Section):
    """A channel by the bot of `alerting.slack` or its own, or an incoming webhook."""

    channel: str | None = None
    bot_token: Secret | None = None
    webhook_url: SecretUrl | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.channel is None) == (self.webhook_url is None):
            raise ValueError('expected either "channel" or "webhook_url"')
        return self


class WebhookReceiver(Section):
    """An address that takes JSON; `secret` signs it."""

    url: SecretUrl
    secret: Secret | None = None


class AlertmanagerReceiver(Section):
    """A Prometheus Alertmanager, which routes and groups by itself."""

    url: SecretUrl


class AppriseReceiver(Section):
    """Anything that Apprise can tell: mailto://, ntfy://, discord:// and many more."""

    urls: list[Secret] = Field(min_length=1)


_WAYS = ("slack", "webhook", "alertmanager", "apprise")


class ReceiverConfig(Section):
    """Somebody to tell, under a name that routes use."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    slack: SlackReceiver | None = None
    webhook: WebhookReceiver | None = None
    alertmanager: AlertmanagerReceiver | None = None
    apprise: AppriseReceiver | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(getattr(self, x) is not None for x in _WAYS) != 1:
            raise ValueError(f"expected one of {', '.join(_WAYS)}")
        return self


class RouteConfig(Section):
    """Who is told of the incidents whose labels match; the first that matches."""

    match: Patterns = {}
    receivers: list[str] = []
    mute: list[str] = []
    go_on: bool = False
    routes: list[RouteConfig] = []


class MuteIntervalConfig(Section):
    """Hours of the week in which routes that name it are quiet."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    timezone: Timezone = "UTC"
    days: list[Day] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    times: list[Times] = ["00:00-24:00"]


class InhibitConfig(Section):
    """While an incident that matches `source` is open, those of `target` are quiet."""

    source: Patterns
    target: Patterns
    equal: list[str] = []


class SilenceConfig(Section):
    """Incidents that nobody is told of for a while."""

    match: Patterns = Field(min_length=1)
    start: Instant | None = None
    until: Instant
    author: str
    comment: str


class HeartbeatConfig(Section):
    """Somebody outside who notices when Tocsin falls silent."""

    url: SecretUrl | None = None
    every: Duration = 60.0


class RuleConfig(Section):
    """A rule beside the default one; its type says what the two levels mean."""

    name: str = Field(min_length=1, max_length=80)
    type: Literal[
        "threshold",
        "ratio",
        "change",
        "match",
        "absence",
        "new_pattern",
        "budget",
        "cardinality",
        "composite",
    ]
    service: list[str] = Field(["*"], min_length=1)
    labels: Patterns = {}
    fields: Patterns = Field({}, max_length=8)
    by: list[GroupName] = ["service"]
    of: GroupName | None = None
    when: str | None = Field(None, max_length=1000)
    level: Literal["fatal", "error", "warn", "any"] | None = None
    text: str | None = Field(None, min_length=1, max_length=500)
    warning: float | None = Field(None, gt=0)
    critical: float | None = Field(None, gt=0)
    min_count: int = Field(10, ge=1)
    window: Duration | None = Field(None, ge=1, le=7 * 86_400)
    memory: Duration = Field(7 * 86_400.0, ge=60, le=90 * 86_400)
    learn: Duration = 3600.0
    objective: float | None = Field(None, gt=0, lt=1)
    for_: Duration = Field(0.0, alias="for", le=3600)
    quiet: Duration = Field(120.0, ge=1)

    @property
    def lines_level(self) -> Literal["fatal", "error", "warn", "any"]:
        """The level of the lines that it is about, also where it says nothing."""
        return self.level or ("any" if self.type == "absence" else "error")


class AlertingConfig(Section):
    """Rules and receivers."""

    burst: BurstConfig = BurstConfig()
    rules: list[RuleConfig] = Field(
        [], description="rules beside the default one: see docs/rules"
    )
    slack: SlackConfig = SlackConfig()
    receivers: list[ReceiverConfig] = Field(
        [], description="whom to tell, beside alerting.slack"
    )
    routes: list[RouteConfig] = Field(
        [], description="who is told of what; without a match all are"
    )
    mute_intervals: list[MuteIntervalConfig] = Field(
        [], description="hours of the week in which a route is quiet"
    )
    inhibit: list[InhibitConfig] = Field(
        [], description="incidents that keep others quiet while they are open"
    )
    silences: list[SilenceConfig] = Field(
        [], description="silences beside those of `tocsin silence`"
    )
    renotify: list[Duration] = Field(
        [1800.0, 7200.0, 21600.0, 86400.0],
        description="when to remind of what nobody acknowledged; the last one repeats",
    )
    storm: int = Field(
        10, ge=1, description="more new incidents a minute share one message"
    )
    links: dict[str, LinkUrl] = Field(
        default_factory=dict,
        description="addresses in messages, by the name that is shown",
    )
    heartbeat: HeartbeatConfig = HeartbeatConfig()
    api_token: Secret | None = Field(
        None, description="who knows it may acknowledge and silence by HTTP"
    )
    terminal: bool | None = Field(
        None, description="show messages on stdout; by default where Slack is not set"
    )
