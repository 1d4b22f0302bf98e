"""What § 7(3) UWG allowed without a consent ends with an objection."""

from xrm_dsgvo.own import Writing, change, now


def end_exceptions(context: Writing, point: str) -> None:
    """No exception for existing customers holds any more at a contact point."""
    where = {"contact_point": {"id": {"eq": point}}, "status": {"eq": "eligible"}}
    for each in context.find("customer_exception", where, 1_000):
        change(context, "customer_exception", each["id"], {"status": "objected", "proof_from": now()})
