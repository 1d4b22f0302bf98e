"""The record in the words of the Data Privacy Vocabulary (W3C DPV 2), as JSON-LD, for other programs.

What the vocabulary has no term for is the nearest broader one, with our key beside it.
"""

from collections.abc import Mapping
from typing import Any

_DPV, _PD, _GDPR = "https://w3id.org/dpv#", "https://w3id.org/dpv/pd#", "https://w3id.org/dpv/legal/eu/gdpr#"
CONTEXT = {"dpv": _DPV, "pd": _PD, "eu-gdpr": _GDPR, "dct": "http://purl.org/dc/terms/"}
_CATEGORIES = {
    "user.behavior": "Behavioral",
    "user.biometrics": "Biometric",
    "user.contact": "Contact",
    "user.contact.address.country": "Country",
    "user.contact.email": "EmailAddress",
    "user.criminal_history": "Criminal",
    "user.content.private": "Communication",
    "user.demographic": "Demographic",
    "user.demographic.age_range": "AgeRange",
    "user.demographic.citizenship_or_immigration_status": "Citizenship",
    "user.demographic.date_of_birth": "BirthDate",
    "user.demographic.gender": "Gender",
    "user.demographic.language": "Language",
    "user.demographic.marital_status": "MaritalStatus",
    "user.demographic.profile": "IndividualProfile",
    "user.demographic.race_ethnicity": "EthnicOrigin",
    "user.device": "DeviceBased",
    "user.device.ip_address": "IPAddress",
    "user.financial": "Financial",
    "user.financial.bank_account": "BankAccount",
    "user.genetic": "Genetic",
    "user.government_id": "OfficialID",
    "user.health_and_medical": "MedicalHealth",
    "user.job_title": "Job",
    "user.location": "Location",
    "user.name": "Name",
    "user.unique_id": "Identifier",
    "user.workplace": "CurrentEmployment",
    "xrm.membership": "GroupMembership",
}
_SUBJECTS = {
    "customer": "Customer",
    "employee": "Employee",
    "job_applicant": "JobApplicant",
    "visitor": "Visitor",
    "child": "Child",
    "member": "Member",
    "anonymous_user": "User",
}


def json_ld(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as a graph: one process for each activity."""
    controller = {"@type": "dpv:DataController", "dct:title": record["controller"].get("name", "")}
    return {
        "@context": CONTEXT,
        "@graph": [_process(each) | {"dpv:hasDataController": controller} for each in record["activities"]],
    }


def term_of(category: str, special: str | None) -> str:
    """The term for a category: its own, that of the nearest category above it, or the general one."""
    while category:
        if category in _CATEGORIES:
            return f"pd:{_CATEGORIES[category]}"
        category = category.rpartition(".")[0]
    return "dpv:SpecialCategoryPersonalData" if special == "art9" else "dpv:PersonalData"


def _process(activity: Mapping[str, Any]) -> dict[str, Any]:
    basis = [f"eu-gdpr:A6-1-{letter}" for letter in activity["basis"]]
    if activity["art9Basis"]:
        basis.append(f"eu-gdpr:A9-2-{activity['art9Basis']}")
    return {
        "@type": "dpv:Process",
        "dct:identifier": activity["key"],
        "dct:title": _texts(activity["labels"]),
        "dpv:hasLegalBasis": [{"@id": each} for each in basis],
        "dpv:hasPurpose": [_node("dpv:Purpose", each) for each in activity["purposes"]],
        "dpv:hasPersonalData": [_node(term_of(each["key"], each["special"]), each) for each in activity["categories"]],
        "dpv:hasDataSubject": [
            _node(f"dpv:{_SUBJECTS.get(each['key'], 'DataSubject')}", each) for each in activity["subjects"]
        ],
        "dpv:hasRecipient": [
            _node("dpv:DataProcessor" if each["role"].endswith("processor") else "dpv:Recipient", each)
            for each in activity["recipients"]
        ],
        "dpv:hasStorageCondition": [_node("dpv:StorageDuration", each) for each in activity["retention"]],
        "dpv:hasTechnicalOrganisationalMeasure": [
            _node("dpv:TechnicalOrganisationalMeasure", each) for each in activity["measures"]
        ],
    }


def _node(type_: str, each: Mapping[str, Any]) -> dict[str, Any]:
    return {"@type": type_, "dct:identifier": each["key"], "dct:title": _texts(each["labels"])}


def _texts(labels: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@value": text, "@language": language} for language, text in sorted(labels.items())]
