"""Vehicles of customers: an entity, rules about licence plates, and a job that retires what was seized."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from xrm_core.api import (
    Action,
    ActionContext,
    Attachment,
    Channel,
    Command,
    CommandContext,
    Connector,
    ConnectorRefusal,
    CustomFieldType,
    DataStore,
    DemoContext,
    DemoData,
    FileScan,
    HandOver,
    HealthCheck,
    HealthContext,
    HookContext,
    JobContext,
    JobFailed,
    JobHandler,
    Keyword,
    KeywordMistake,
    LeavingContext,
    Message,
    MessageContent,
    MessageContext,
    MessageKind,
    MessageOutcome,
    MessageRefusal,
    MessageRefused,
    MessageState,
    Model,
    Moment,
    Needs,
    NotHandedOver,
    On,
    OutgoingMessage,
    QueryContext,
    QueryField,
    Record,
    RecordChange,
    RecordEvent,
    RecordOf,
    Refuse,
    Replay,
    Route,
    RouteContext,
    Schedule,
    Secret,
    StoreContext,
    StoredItem,
    StoreSubject,
    TextFormat,
    Texts,
    Write,
    enqueue,
    erase_values,
    hookimpl,
    may_send,
    send_message,
)

STOLEN_PLATES = ("B-XR 666", "HH-TE 404")


@hookimpl
def register_needs() -> Needs:
    """The platform from its first version on."""
    return Needs(core=">=0.1")


@dataclass(frozen=True)
class Settings:
    """``XRM_FLEET_…``"""

    police_key: Secret | None = None
    stolen_plates: tuple[str, ...] = STOLEN_PLATES


@hookimpl
def register_settings() -> type:
    """The settings; all have defaults."""
    return Settings


@hookimpl
def register_schemas() -> list[Path]:
    """The entity ``vehicle``."""
    return [Path(__file__).parent / "schemas"]


@hookimpl
def register_keywords() -> list[Keyword]:
    """The word ``x-fleet-told``: who may be told of a field. Of each of a vehicle it has to be said."""
    schema = {"enum": ["public", "internal"], "description": "Who may be told: public or internal."}
    return [Keyword("x-fleet-told", schema, places=("field",), check=check_told)]


def check_told(model: Model) -> Iterator[KeywordMistake]:
    """Fields of vehicles of which it is not said, also those that other layers add."""
    for name, field in model["vehicle"].fields.items() if "vehicle" in model else ():
        if "x-fleet-told" not in field.annotations:
            reason = f"Nobody says who may be told of {name}."
            yield KeywordMistake("vehicle", reason, 'Add "x-fleet-told": "internal".', name)


@hookimpl
def register_text_formats() -> list[TextFormat]:
    """The format ``fleet-chassis``: seventeen capitals and digits, given with blanks or in small letters."""
    return [TextFormat("fleet-chassis", check_chassis, lambda text: "".join(text.split()).upper(), max_length=17)]


def check_chassis(text: str) -> str | None:
    """What is wrong with the number of a chassis."""
    return None if len(text) == 17 and text.isalnum() else "is not the number of a chassis, of 17 characters"


@hookimpl
def register_field_types() -> list[CustomFieldType]:
    """The type ``fleet-mileage``: whole kilometres."""
    stored = {"type": "integer", "minimum": 0, "maximum": 3_000_000}
    about = "Kilometres that a vehicle has gone; never just under a million, where old counters stop."
    return [CustomFieldType("fleet-mileage", stored, check_mileage, description=about)]


def check_mileage(kilometres: int) -> str | None:
    """What is wrong with the reading of a counter."""
    return "is where the counter stops" if kilometres == 999_999 else None


@hookimpl
def register_translations() -> list[Texts]:
    """German for what is refused."""
    return [Texts(Path(__file__).parent / "locale")]


@hookimpl
def register_roles() -> list[Path]:
    """The role ``fleet_manager``."""
    return [Path(__file__).parent / "permissions"]


@hookimpl
def register_demo() -> list[DemoData]:
    """Three vehicles of the first customers."""
    return [DemoData(vehicles, entities=("vehicle", "customer"))]


def vehicles(demo: DemoContext) -> Iterator[tuple[str, list[Record]]]:
    """One after the other, so that each could look at those before."""
    for customer in demo.ids("customer")[:3]:
        plate = f"DM-{len(demo.ids('vehicle')) + 1} {demo.random.randint(100, 999)}"
        yield "vehicle", [{"id": demo.new_id(), "licence_plate": plate, "customer": customer}]


@dataclass
class InspectInput:
    """What the inspector has found."""

    passed: bool
    remark: str | None = None


@dataclass
class Inspected:
    """What becomes of the vehicle."""

    retired: bool


@hookimpl
def register_actions() -> list[Action]:
    """The action ``fleet.inspect``: who may run it may retire a vehicle by it, and in no other way."""
    about = {"en": "Inspect a vehicle; one that fails is retired.", "de": "Prüfen; was durchfällt, wird ausgemustert."}
    return [
        Action(
            "fleet.inspect",
            inspect,
            "vehicle",
            needs="read",
            input=InspectInput,
            answers=Inspected,
            description=about,
        ),
        Action("fleet.recall", recall, "vehicle", description="Call the vehicle into the workshop."),
    ]


def inspect(context: ActionContext, vehicle: Record, given: InspectInput) -> Inspected:
    """Retire a vehicle that has failed, with a note of why."""
    if vehicle["retired"]:
        raise Refuse("A retired vehicle is not inspected.")
    if not given.passed:
        plate = vehicle["licence_plate"]
        text = f"{plate} has failed: {given.remark or 'no remark'}"
        context.records.update(context.connection, context.system, "vehicle", vehicle["id"], {"retired": True})
        context.records.create(context.connection, context.system, "fleet_note", {"text": text})
    return Inspected(retired=not given.passed)


@dataclass
class Overview:
    """What the caller may see of the fleet."""

    vehicles: int
    retired: int
    plates: list[str]
    first: Annotated[str, RecordOf("vehicle")] | None


@dataclass
class OverviewInput:
    """How many plates are told."""

    first: int = 10


OVERVIEW = """query ($first: Int) {
  vehicles(first: $first, orderBy: {licencePlate: ASC}) { totalCount nodes { id licencePlate } }
  retired: vehicles(where: {retired: {eq: true}}) { totalCount } }"""


@hookimpl
def register_workflows() -> list[Path]:
    """The workflow ``fleet_far``: who has gone far is inspected."""
    return [Path(__file__).parent / "workflows"]


@hookimpl
def register_query_fields() -> list[QueryField]:
    """The root field ``fleetOverview``."""
    about = {"en": "The fleet at a glance.", "de": "Die Flotte auf einen Blick."}
    return [QueryField("fleet.overview", overview, Overview, OverviewInput, cost=2_000, description=about)]


def overview(context: QueryContext, given: OverviewInput) -> Overview:
    """Count what the caller may see."""
    found = context.query(OVERVIEW, {"first": given.first})
    plates = [each["licencePlate"] for each in found["vehicles"]["nodes"]]
    first = found["vehicles"]["nodes"][0]["id"] if plates else None
    return Overview(found["vehicles"]["totalCount"], found["retired"]["totalCount"], plates, first)


@hookimpl
def register_record_hooks() -> list[On]:
    """Only what is about a plate, and about who has the vehicle."""
    return [
        On("vehicle", ("create", "update"), fields=("licence_plate",), before=check_plate),
        On("vehicle", "update", fields=("customer",), before=note_customer, after=thank_customer),
    ]


def check_plate(change: RecordChange) -> None:
    """Of two vehicles with one plate but for blanks, one is a mistake."""
    plate = change.after["licence_plate"].replace(" ", "")
    for other in change.find("vehicle", {"licence_plate": {"startsWith": plate[:1]}}):
        if other["licence_plate"].replace(" ", "") == plate and other["id"] != change.before.get("id"):
            why, values = {"licence_plate": "is that of {plate}."}, {"plate": other["licence_plate"]}
            raise Refuse("Another vehicle has this plate.", problems=why, values=values)


def note_customer(change: RecordChange) -> None:
    """A note in the same transaction when a vehicle changes hands; nobody need have the right to write notes."""
    customer = change.read("customer", change.after["customer"])
    text = f"{change.before['licence_plate']} goes to {customer['name'] if customer else 'nobody'}"

    def note(context: HookContext, _id: str) -> None:
        context.records.create(context.connection, context.system, "fleet_note", {"text": text})

    change.then(note)


def thank_customer(event: RecordEvent) -> None:
    """A note after the commit, of what the customer was before."""
    _note(event, f"Farewell to {event.changes['customer'][0] or 'nobody'}")


@hookimpl
def register_routes() -> list[Route]:
    """``/plugins/fleet/stolen/{plate}``, for anybody; ``/plugins/fleet/seized``, for those who may retire vehicles."""
    return [Route("/stolen/{plate}", is_stolen, public=True, per_minute=10), Route("/seized", seize, ("POST",))]


def is_stolen(context: RouteContext) -> dict[str, bool]:
    """Whether a plate is reported stolen."""
    return {"stolen": context.request.path["plate"].upper() in context.settings.stolen_plates}


def seize(context: RouteContext) -> None:
    """A form with the id of a vehicle: retire it, as whoever has sent the form."""
    vehicle = context.request.form().get("vehicle", "")
    context.records.update(context.connection, context.caller, "vehicle", vehicle, {"retired": True})


@hookimpl
def register_health() -> list[HealthCheck]:
    """Whether plates can be told from stolen ones."""
    return [HealthCheck("fleet.plates", knows_plates, remedy="Set XRM_FLEET_STOLEN_PLATES.")]


def knows_plates(context: HealthContext) -> str | None:
    """At least one plate has to be known."""
    return None if context.settings.stolen_plates else "No stolen plate is known."


@hookimpl
def register_commands() -> list[Command]:
    """``xrm fleet seize PLATE``"""
    return [Command("seize", seize_plate, "Retire the vehicle with a licence plate.")]


def seize_plate(context: CommandContext, plate: str) -> None:
    """Retire it, if there is one."""
    with context.transaction() as connection:
        found = context.query_as_system(connection, BY_PLATE, {"plate": plate})["vehicles"]["nodes"]
        if not found:
            raise Refuse(f"There is no vehicle {plate}.")
        context.records.update(connection, context.caller, "vehicle", found[0]["id"], {"retired": True})


BY_PLATE = "query ($plate: String!) { vehicles(where: {licencePlate: {eq: $plate}}) { nodes { id } } }"


@hookimpl
def register_message_kinds() -> list[MessageKind]:
    """The kind ``fleet.recall``: a vehicle is called into the workshop."""
    return [MessageKind("fleet.recall", holder, recall_letter, purpose="safety", ended=note_recall)]


def recall(context: ActionContext, vehicle: Record) -> None:
    """Write to who has the vehicle, unless nobody may be written to: then it is retired."""
    message = Message("fleet.recall", ("vehicle", vehicle["id"]), key=f"recall {vehicle['id']}")
    if may_send(context, message) is not None:
        context.records.update(context.connection, context.system, "vehicle", vehicle["id"], {"retired": True})
        return
    try:
        send_message(context, message)
    except MessageRefused as refused:
        raise Refuse("Nobody can be told.") from refused


def holder(context: MessageContext) -> str | None:
    """The address of the customer, if the vehicle has one."""
    vehicle = context.read("vehicle", context.message.about[1])
    customer = context.read("customer", vehicle["customer"]) if vehicle and vehicle["customer"] else None
    return customer["email"] if customer else None


def recall_letter(context: MessageContext) -> MessageContent:
    """What it says, with a list of what to bring."""
    papers = Attachment("papers.txt", "text/plain", lambda: b"Licence")
    return MessageContent("Recall", f"Vehicle {context.message.about[1]} is called in.", attachments=[papers])


def note_recall(context: MessageContext, outcome: MessageOutcome) -> None:
    """A note of how it has ended."""
    text = "Recalled" if outcome.state is MessageState.SENT else f"Not recalled: {outcome.reason}"
    context.records.create(context.connection, context.system, "fleet_note", {"text": text})


@hookimpl
def register_channels() -> list[Channel]:
    """The channel ``fleet.radio``, which nobody hears."""
    return [Channel("fleet.radio", radio)]


def radio(given: HandOver) -> None:
    """There is no receiver."""
    raise NotHandedOver("NO_RECEIVER", retry=False)


@hookimpl
def register_jobs() -> list[JobHandler]:
    """The job ``fleet.retire``."""
    return [JobHandler("fleet.retire", retire, attempts=3)]


@hookimpl
def register_schedules() -> list[Schedule]:
    """Each night nothing is retired, but it shows how."""
    return [Schedule("fleet.nightly", "fleet.retire", "30 2 * * *", zone="Europe/Berlin", payload={"vehicles": []})]


@hookimpl
def register_replays() -> list[Replay]:
    """What a restore must not take back; nothing is kept so here, but it shows how."""
    return [Replay("fleet.erase", erase_again)]


def erase_again(context: ActionContext, content: Mapping[str, Any]) -> None:
    """The former plates of a vehicle are gone once more."""
    erase_values(context, "vehicle", content["vehicle"], ["licence_plate"])


@hookimpl
def register_data_stores() -> list[DataStore]:
    """The workshop's card index, which is not in the database."""
    of_card = {"category": "user.name", "origin": "provided", "labels": {"en": "Name", "de": "Name"}}
    said = {
        "datenart": "kontaktstammdaten",
        "activities": ["vertrieb.kundenpflege"],
        "fields": {"holder": of_card, "remark": {"category": "user.content.private", "origin": "observed"}},
    }
    asked = {"discover": find_cards, "export": read_cards, "restrict": lock_cards, "lift": unlock_cards}
    labels = {"en": "Cards of the workshop", "de": "Karteikarten der Werkstatt"}
    return [
        DataStore(
            "fleet.garage", **asked, erase=burn_cards, verify=count_cards, labels=labels, annotations={"x-dsgvo": said}
        )
    ]


@dataclass
class Card:
    """What the workshop has written of somebody."""

    holder: str
    remark: str = ""
    is_locked: bool = False


CARDS: dict[tuple[str, str], Card] = {}
"""By tenant and number."""


def _cards(context: StoreContext, about: StoreSubject) -> list[str]:
    """The numbers of the cards of somebody."""
    names = {each.casefold() for each in about.identifiers}
    return [
        number
        for (tenant, number), card in CARDS.items()
        if (tenant, card.holder.casefold()) in {(context.tenant, name) for name in names}
    ]


def find_cards(context: StoreContext, about: StoreSubject) -> list[StoredItem]:
    """What there is, without what it says."""
    return [StoredItem(number) for number in _cards(context, about)]


def read_cards(context: StoreContext, about: StoreSubject) -> list[StoredItem]:
    """What it says."""
    found = [(number, CARDS[context.tenant, number]) for number in _cards(context, about)]
    return [StoredItem(number, {"holder": card.holder, "remark": card.remark}) for number, card in found]


def lock_cards(context: StoreContext, about: StoreSubject) -> int:
    """Nobody looks at them meanwhile."""
    return _locked(context, about, locked=True)


def unlock_cards(context: StoreContext, about: StoreSubject) -> int:
    """They are as they were."""
    return _locked(context, about, locked=False)


def _locked(context: StoreContext, about: StoreSubject, *, locked: bool) -> int:
    found = _cards(context, about)
    for number in found:
        CARDS[context.tenant, number].is_locked = locked
    return len(found)


def burn_cards(context: StoreContext, about: StoreSubject) -> int:
    """They are gone, but for what is to be kept."""
    going = [number for number in _cards(context, about) if number not in about.keep]
    for number in going:
        del CARDS[context.tenant, number]
    return len(going)


def count_cards(context: StoreContext, about: StoreSubject) -> int:
    """On how many cards somebody is named, whosever they are."""
    names = [each.casefold() for each in about.identifiers]
    mine = [(number, card) for (tenant, number), card in CARDS.items() if tenant == context.tenant]
    texts = [f"{card.holder} {card.remark}".casefold() for number, card in mine if number not in about.keep]
    return sum(any(name in text for name in names) for text in texts)


def retire(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Retire the vehicles of a list of ids, each in a transaction of its own."""
    vehicles = payload.get("vehicles")
    if not isinstance(vehicles, list):
        raise JobFailed("The payload names no vehicles.", retry=False)
    for done, vehicle in enumerate(vehicles):
        job.progress(100 * done / len(vehicles), f"{done} of {len(vehicles)}")
        with job.transaction() as connection:
            job.records.update(connection, job.caller, "vehicle", vehicle, {"retired": True})
    return {"retired": len(vehicles)}


@hookimpl
def before_record_create(entity: str, record: Record, write: Write) -> Mapping[str, Any] | None:
    """Plates are in capitals; stolen ones are refused."""
    return {"licence_plate": _checked(record["licence_plate"], write.settings)} if entity == "vehicle" else None


@hookimpl
def before_record_update(
    entity: str, before: Mapping[str, Any], changes: Record, write: Write
) -> Mapping[str, Any] | None:
    """A retired vehicle stays as it is, unless it is taken back into service."""
    if entity != "vehicle":
        return None
    if before["retired"] and changes.get("retired") is not False:
        raise Refuse("A retired vehicle cannot be changed; take it back into service first.", field="retired")
    return {"licence_plate": _checked(changes["licence_plate"], write.settings)} if "licence_plate" in changes else None


@hookimpl
def before_record_delete(entity: str, before: Mapping[str, Any], write: Write) -> None:
    """Only retired vehicles may go; that nothing is left to be done for one is a job, too."""
    if entity == "vehicle" and not before["retired"]:
        plate = before["licence_plate"]
        raise Refuse(
            {
                "en": f"Retire the vehicle {plate} before you delete it.",
                "de": f"Das Fahrzeug {plate} muss vor dem Löschen ausgemustert werden.",
            }
        )
    if entity == "vehicle":
        write.then(lambda context, _: enqueue(context.connection, "fleet.retire", {"vehicles": []}, owner=write.actor))


@hookimpl
def before_record_restore(entity: str, record: Mapping[str, Any], write: Write) -> None:
    """A vehicle that was reported stolen meanwhile stays away."""
    if entity == "vehicle":
        _checked(record["licence_plate"], write.settings)


@hookimpl
def scan_file(file: Mapping[str, Any], content: BinaryIO) -> FileScan | None:
    """Lists of plates from the black market are kept for the police, and read by nobody."""
    text = content.read()
    return FileScan.QUARANTINE if any(plate.encode() in text for plate in STOLEN_PLATES) else None


@hookimpl
def before_message_send(message: OutgoingMessage, context: MessageContext) -> MessageRefusal | None:
    """Who has a retired vehicle is not called in; what leaves is noted."""
    if message.kind != "fleet.recall":
        return None
    vehicle = context.read(*message.about)
    if vehicle is None or vehicle["retired"]:
        return MessageRefusal("RETIRED", {"en": "The vehicle is retired.", "de": "Das Fahrzeug ist ausgemustert."})
    if message.moment is Moment.HANDED_OVER:
        text = f"Recall of {vehicle['licence_plate']} leaves"
        context.records.create(context.connection, context.system, "fleet_note", {"text": text})
    return None


@hookimpl
def after_message_end(message: OutgoingMessage, outcome: MessageOutcome, context: MessageContext) -> None:
    """Whose letters do not arrive is noted, whoever sends them."""
    if message.kind != "fleet.recall" and outcome.state is MessageState.FAILED:
        text = f"{message.kind} did not arrive: {outcome.reason}"
        context.records.create(context.connection, context.system, "fleet_note", {"text": text})


@hookimpl
def before_data_leaves(connector: Connector, context: LeavingContext) -> ConnectorRefusal | None:
    """Nothing goes to whoever has a note of ours that says so."""
    if context.find("fleet_note", {"text": {"eq": f"never to {connector.name}"}}, 1):
        return ConnectorRefusal("NOTED", {"en": "A note says never.", "de": "Eine Notiz sagt nie."})
    return None


@hookimpl
def after_record_create(entity: str, record: Record, event: RecordEvent) -> None:
    """A note of each new vehicle."""
    if entity == "vehicle":
        _note(event, f"New vehicle {record['licence_plate']}")


@hookimpl
def after_record_update(entity: str, changes: Mapping[str, Any], event: RecordEvent) -> None:
    """A note when a vehicle is retired or taken back."""
    if entity == "vehicle" and "retired" in changes:
        _note(event, "A vehicle was retired" if changes["retired"][1] else "A vehicle was taken back")


@hookimpl
def after_record_delete(entity: str, before: Mapping[str, Any], event: RecordEvent) -> None:
    """A note of each vehicle that is gone."""
    if entity == "vehicle":
        _note(event, f"Vehicle {before['licence_plate']} is gone")


def _note(event: RecordEvent, text: str) -> None:
    event.records.create(event.connection, event.caller, "fleet_note", {"text": text})


def _checked(plate: str, settings: Settings) -> str:
    plate = plate.upper()
    if plate in settings.stolen_plates:
        raise Refuse(f"The licence plate {plate} is reported stolen.", field="licence_plate")
    return plate
