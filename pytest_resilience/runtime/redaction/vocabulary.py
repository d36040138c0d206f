"""Words with a capital letter that are not names of people, and names that are."""

from __future__ import annotations

import errno
import os
from http import HTTPStatus

_TECHNICAL = """
    abort aborted access account action active adapter address admin admission admissions after agent
    airflow alarm alert alerts alias all allowed already amazon an analytics and angular any apache api
    app application archived argo arrow artifact artifacts assertion async at athena attempt attempts
    auroc auth authentication authorization automatic available avro aws azure background backoff backup
    bad bar batch baz bed before begin below big bigquery bitbucket blood body boolean boom both breaker
    broken bucket buffer bug build builder builtin burst but by bytes cache call calls can canary cancelled cannot
    cart cassandra catboost cause celery census central certificate champion change changes channel chaos check
    checkout checkpoint checkpointing checkpoints chunk circuit city claim claims class cleanup client
    clinic clock close closed cloud cloudwatch cluster code cohort cold collection column columns command commit
    committed complete completed component computer config configuration conflict confluence connect
    connecting connection connections constraint consul contact container content context controller
    cookie copy corrupt corrupted could count cpu crash crashed create created credential credentials
    critical csv cursor customer customers daemon dag dagster dashboard data database databricks datadog
    dataset date day db dead deadline deadlock debug deep default degraded delete deleted delivery demo
    denied deploy deployed deploying deployment detail detected device devices did digest directory
    discharge disk dispatch django dns do docker document does domain done down download driver drop
    dropped dry due dummy duplicate during each early east elastic elasticsearch email empty encoding end
    endpoint engine entry environment envoy error errors event events every example examples exceeded
    exceeds excel exception exceptions execute executor exhausted exit expected expecting experiment
    expired external extract fail failed failing failover failure failures fake fallback false fargate
    fast fastapi fatal fault faults feature features feed fetch field file files filesystem final finally
    finished first flask fleet flow fluentd folder foo for forbidden foreign format found fourth free from
    full function gateway general get git github gitlab give given global go golang gone good google gpu
    grafana green group grpc gunicorn hadoop handler handshake happened haproxy has hash have header
    headers health healthy heart heartbeat hello helm help high hint hive hook hospital host hostname
    hosts hot hour how http https hypothesis icu icustays id identifier if illegal image import important
    in incident incomplete inconsistent incorrect index info ingest ingestion ingress initial injected
    input insert instance instances insufficient int integer integration internal interrupted invalid
    invoice io ipsum is isolation issue istio it item jaeger january java javascript jenkins jira jitter
    job jobs join json jvm kafka keras kernel key keys kibana kill killed kind kinesis kubeflow kubernetes
    lab label laboratory labs lag lambda large last late latency layer ldap leader lease level library
    lightgbm limit line linux list listener live load local lock locked log logger login logs logstash
    long lookup lorem lost low lower luigi machine main maintenance malformed manager many mariadb master
    max maximum may measured medium memory message messages metadata method metric metrics middleware
    migration min minimum mismatch missing ml mlflow mock mode model models module mongo mongodb monitor
    monitoring more mortality most mount move must mysql name named namespace nan network networks new
    newrelic next nginx no node nomad none normal north not note nothing notice notification now null
    number numpy nurse obj object objects of off offline ok on once one online only oops open opensearch
    opentelemetry operation operational operator option or oracle order orders origin os otel other our
    out outage output over overflow owner oxygen package page pagerduty pandas panic parameter parent
    parquet parse partial partition password patch path patient patients payload payment pending
    performance permission permissions persistent phase physician pid ping pipeline planted platform
    please plugin pod point policy poll pool port portal position post postgres postgresql prediction predictions
    prefect prefix pressure presto previous price primary process processing processor producer product
    production products profile program programming progress project prometheus promote protocol provided
    provider proxy public publish pubsub pull push put pytest python pytorch quality query queue quick
    quota qux rabbit rabbitmq random rate raw react read reader ready reason rebuild receive received
    record recorded records recover recovered recovery redis redshift refresh refreshed refused region
    register registered registry rejected relation release reload remote remove repair repeat replica
    report repository request requests require required reset resilience resolve resolved resource
    resources response rest restart restarted restore result results resume retention retries retry
    retrying return returned review revision right role rollback rollbacks root round route router row
    rows ruby rule run runbook runner running runtime rust safe sagemaker sample save saved scan schedule
    scheduled scheduler schema scikit score script search second seconds secret security see segment
    select send sendgrid sending sensor sentry sepsis sequence serialization server servers service
    services serving session set setting several severity shape shapes shard shipping short should show
    shutdown signal simulated single size sizes skipped sklearn slack slow small smtp snapshot snapshots
    snowflake soap socket sockets some something source south spark spec specified spike sql sqlite ssl
    stack stackdriver stage staging stale stall stalled standard standby start started starting state
    statement static status stay stays step still stop stopped storage store stream string stripe stub
    stuck style success suite summary support suspended switch sync syntax system systems table tables tag
    target task tasks tcp team temporary tenant tensor tensorflow tensors terminated test tests text than
    that the their then there these they third this thread threads three threshold throttle throttled
    throughput tile time timed timeout timer title tls to token tomcat too tool torch toxic toxics
    toxiproxy trace traceback traffic train trained training transaction transactions transform trial
    trigger trino true truncated try twilio two type typescript unable unauthorized unavailable undefined
    under unexpected unhandled unhealthy unique unit units unix unknown unreachable unrecoverable
    unresponsive unsuccessful unsupported until up update updated upgrade upload upper upstream upstreams
    url us usage use used user users using uvicorn vacuum valid validation value values variable vault
    verify version vertex view violation vital vitals vm volume vue wait waiting ward warehouse warm
    warmup warn warning was watch watchdog we web webhook west what when where which while who why wide
    will window with withdrawn within without work worker workers workflow workload world write writer
    writes wrong xgboost xml yaml yes yet you your zero zipkin zombie zone
"""

_CALENDAR = """
    january february march april may june july august september october november december jan feb mar apr
    jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed
    thu fri sat sun utc gmt
"""

_SQL = """
    select from where insert into update delete values and or not null is in like join left right inner
    outer on group by order having limit offset union all distinct create table alter drop index primary
    foreign references check unique constraint default begin commit rollback copy returning with as case
    when then else end set cascade
"""

SQL_WORDS = frozenset(_SQL.split())

GIVEN_NAMES = frozenset(
    """
    aaron abigail adam adrian agnieszka ahmad ahmed aisha alan alejandro alexander alexandra alfred ali
    alice alicia alison amanda amara amelia amit amy ana anders andrea andrew angela anil anita ann anna
    anne anthony antonio aoife arthur ashley barbara benjamin bernard beth betty beverly bjorn brandon
    brenda brian bruce bryan caitlin camila carla carlos carmen carol caroline catherine charles charlotte
    cheryl chidi chloe christina christine christopher ciaran claire clara clarence claudia colin connor
    constance craig cynthia daisy daniel danielle david deborah debra declan deepak denise dennis diana
    diane diego dieter dmitri donald donna dorothy douglas dragan dylan edith edward eileen eleanor elena
    elizabeth ella ellen emily emma eric erica erin esther ethan eugene eva evelyn fatima felix fernando
    fiona florence frances francesca francis gabriel gareth gary geoffrey george gerald giovanni gloria
    gordon graham gregory gunther hannah harold harry haruto hassan heather hector heinrich helen helga
    henry howard hugo ian ibrahim ines ingrid irene isaac isabel isabella ivan ivana jacob jacqueline
    jaime james jamie jane janet janice jared jason javier jean jeffrey jennifer jeremy jessica jill joan
    joanna joe joel john johnny jonathan jorge jose joseph joshua jovan joyce juan judith julia julian
    julie jurgen justin karen karl katherine kathleen kathryn katie keith kelly kenneth kevin kimberly
    klaus kofi kwame kyle lakshmi larry lars laura lauren laurence lawrence leila leonard leslie liam
    lillian linda lisa logan lorenzo louis louise lucas lucia lucy luis luke luna lydia madison malcolm
    manfred manuel marco margaret maria marie marilyn mario martha martin martina mary mateo mateusz
    matthew maureen megan melissa mia michael michelle miguel mildred milica mohamed mohammed monica
    muhammad nancy naomi natalie natasha nathan ngozi niamh nicholas nicole nigel nikola nina noah noor
    nora norman olga oliver olivia omar omari oscar padraig pamela patricia patrick paul paula pedro
    penelope peter petra philip phillip phyllis priya priyanka prudence rachel rafael rahul ralph ramon
    raymond rebecca ricardo richard robert roberta roger ronald rosa rosemary roy russell ruth ryan
    sabrina sakura samantha samuel sandra sanjay sara sarah scott sean sebastian sergio sharon shirley
    siegfried simon siobhan sofia sophia sophie stephanie stephen steven stuart sunita susan sven sylvia
    tamara terence teresa terrence thandiwe theodore theresa thomas tiffany timothy tracy trevor tyler
    ursula valentina valerie vanessa vera veronica vincent violet virginia vivian walter wendy wesley
    wilfred william winifred wolfgang xavier yasmin yolanda yuki yusuf yvonne zachary zainab zoe
    """.split()  # noqa: SIM905 - a word list, readable as one
)
"""Given names that are no everyday words: one alone is judged to be a person."""

DERIVED = (
    "ed",
    "ing",
    "tion",
    "tions",
    "sion",
    "sions",
    "ment",
    "ments",
    "ity",
    "ness",
    "able",
    "ible",
    "ously",
)
"""How English words end that are made from others: two of them side by side are a title, hardly a person."""

PASSING_WORDS = frozenset(
    word
    for text in (
        _TECHNICAL,
        _CALENDAR,
        _SQL,
        *(os.strerror(number).lower().replace("/", " ") for number in errno.errorcode),
        *(status.phrase.lower().replace("-", " ") for status in HTTPStatus),
    )
    for word in text.split()
)
"""Words that may pass with a capital letter: those of systems, of the operating system's and HTTP's messages."""
