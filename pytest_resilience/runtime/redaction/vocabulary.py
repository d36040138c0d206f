"""Words with a capital letter that are not names of people, and names that are."""

from __future__ import annotations

import errno
import os
from http import HTTPStatus

_TECHNICAL = """
    abort aborted access account action active adapter address admin after agent airflow alert alerts
    alias all already an analytics and any apache api app application archived artifact artifacts
    assertion async at attempt attempts auroc auth authentication authorization automatic available aws
    azure background backoff backup bad batch before begin below body boolean both breaker broken bucket
    buffer bug build builtin but by bytes cache call calls can cancelled cannot canary cause central
    certificate champion change changes channel check checkpoint checkpoints chunk circuit class cleanup
    client clock close closed cloud cluster code collection column columns command commit committed
    complete completed component computer config configuration conflict connect connecting connection
    connections constraint contact container content context controller cookie copy could count cpu create
    created critical cursor daemon dag dashboard data database dataset date day db dead deadline deadlock
    debug default degraded delete deleted delivery denied deploy deployed deployment detail detected did
    digest directory disk dispatch dns do docker document does domain done down download driver drop due
    duplicate during each east email empty encoding end endpoint engine entry environment error errors
    event events every exception exceptions execute executor exhausted exit expected experiment expired
    external extract fail failed failing failover failure failures fallback false fast fatal feature
    features feed fetch field file files filesystem final finally finished first flask fleet flow folder
    for foreign format found free from full function gateway general get git give given global go google
    grafana green group handler has have hash header headers health healthy heartbeat help high hint hook
    host hosts hour how http https icu id identifier if illegal image import important in incident index
    info ingest ingestion ingress input insert instance int integer integration internal invalid io is
    isolation issue it item job jobs join json jvm kafka kernel key keys kill killed kind kubernetes label
    large last latency layer ldap leader lease level library limit line linux list listener load local
    lock locked log logger login logs long lookup lost low machine main maintenance manager many master
    max maximum may measured medium memory message messages metadata method metric metrics middleware
    migration min minimum missing ml mlflow mode model models module monitor monitoring more most mount
    move must name named namespace network new next no node none normal north not note nothing
    notification notice now null number numpy object of off offline ok on once one online only open
    operation operational operator option or oracle order origin os other our out outage output over
    overflow owner package page pandas panic parameter parent parse partial partition password patch path
    patient patients payload pending performance permission permissions persistent phase pid ping pipeline
    platform please plugin pod point policy poll pool port position post postgres postgresql prediction
    predictions prefix previous primary process processing processor producer production profile program
    programming progress project promote protocol provider proxy public publish pull push put python
    quality query queue quota random rate raw read reader ready reason rebuild receive received record
    recorded records recover recovered recovery redis refused region register registered registry rejected
    relation release reload remote remove repair repeat replica report repository request requests require
    required reset resolve resolved resource resources response rest restart restarted restore result
    results resume retry retrying return returned review right role rollback root route router row rows
    rule run runbook runner running runtime safe sample save saved scan schedule scheduled scheduler
    schema score script search second seconds secret security see segment select send sending sequence
    serialization server servers service services serving session set setting several severity shard
    should show shutdown signal single size skipped slack slow smtp snapshot socket some something source
    south spark specified spec sql ssl stack stage staging stale standard standby start started starting
    state statement static status step still stop stopped storage store stream string style success suite
    summary support suspended switch sync syntax system systems table tables tag target task tasks tcp
    team temporary tenant terminated test tests text than that the their then there these they this thread
    threads three threshold throttle throttled throughput tile time timed timeout timer title tls to token
    too tool toxiproxy trace traceback traffic train trained training transaction transactions transform
    trial trigger true try two type unable unauthorized unavailable undefined under unexpected unhandled
    unhealthy unique unit unix unknown until up update updated upgrade upload upstream url us usage use
    used user users using valid validation value values variable verify version view violation vm volume
    wait waiting warehouse warn warning was watch we web webhook west what when where which while who why
    will window with withdrawn within without work worker workers workflow workload world write writer
    wrong xml yaml yes you your zero zone
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

GIVEN_NAMES = frozenset(
    """
    aaron abigail adam adrian ahmed aisha alan alejandro alexander alexandra alice alicia alison amanda
    amelia amy ana andrea andrew angela anita ann anna anne anthony antonio arthur ashley barbara benjamin
    bernard beth betty beverly brandon brenda brian bruce bryan caitlin camila carla carlos carmen carol
    caroline catherine charles charlotte cheryl chloe christina christine christopher claire clara claudia
    colin connor craig cynthia daisy daniel danielle david deborah debra denise dennis diana diane diego
    dmitri donald donna dorothy douglas dylan edith edward eileen eleanor elena elizabeth ella ellen emily
    emma eric erica erin esther ethan eugene eva evelyn fatima felix fernando fiona florence frances
    francesca francis gabriel gareth gary geoffrey george gerald giovanni gloria gordon graham gregory
    hannah harold harry hassan heather hector helen henry howard hugo ian ibrahim ines irene isaac isabel
    isabella ivan jacob jacqueline jaime james jamie jane janet janice jason javier jean jeffrey jennifer
    jeremy jessica jill joan joanna joe joel john johnny jonathan jorge jose joseph joshua joyce juan
    judith julia julian julie justin karen karl katherine kathleen kathryn katie keith kelly kenneth kevin
    kimberly kyle larry laura lauren laurence leila leonard leslie liam lillian linda lisa logan lorenzo
    louis louise lucas lucia lucy luis luke luna lydia madison malcolm manuel marco margaret maria marie
    marilyn mario martha martin martina mary mateo matthew maureen megan melissa mia michael michelle
    miguel mohamed mohammed monica muhammad nancy naomi natalie natasha nathan nicholas nicole nigel nina
    noah noor nora norman olga oliver olivia omar oscar pamela patricia patrick paul paula pedro penelope
    peter philip phillip phyllis priya rachel rafael ralph ramon raymond rebecca ricardo richard robert
    roberta roger ronald rosa rosemary roy russell ruth ryan sabrina samantha samuel sandra sara sarah
    scott sean sebastian sergio sharon shirley simon sofia sophia sophie stephanie stephen steven stuart
    susan sylvia tamara teresa theodore theresa thomas tiffany timothy tracy trevor tyler ursula valentina
    valerie vanessa veronica vera vincent violet virginia vivian walter wendy wesley william xavier yasmin
    yolanda yusuf yvonne zachary zainab zoe
    """.split()  # noqa: SIM905 - a word list, readable as one
)
"""Given names that are no everyday words: one alone is judged to be a person."""

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
