"""The reference: hand-written SQL for each operation, with the JSON text of the answer as its only column.

``FOR_ROLE[role][dialect][operation]``. The role ``bench_rep`` sees companies under 15 000 employees with what hangs on
them (``pack/permissions/``); its SQL has that condition where a careful person would write it, and nowhere else.
"""

OPERATIONS = ["Q1", "Q2", "Q3", "Q4", "Q7", "Q8", "Q5", "Q6"]
"""In the order in which they are measured: writes last."""

WRITES = {"Q5", "Q6"}
COMPANY = ["id", "name", "city", "country", "industry", "employees", "annual_revenue", "created_at"]
CONTACT = ["id", "first_name", "last_name", "email"]
MAX_EMPLOYEES = 15000


def _postgresql(rule: str) -> dict[str, str]:
    """``rule`` is empty or a condition on companies ``c`` that begins with AND."""
    eight = ", ".join(COMPANY)
    from_companies = "opportunities o JOIN companies c ON c.id = o.company_id" if rule else "opportunities o"
    of_company = f"AND EXISTS (SELECT 1 FROM companies c WHERE c.id = company_id {rule})" if rule else ""
    return {
        "Q1": f"""SELECT json_build_object('data', json_build_object('company',
 (SELECT row_to_json(t) FROM (SELECT {eight} FROM companies c WHERE id = $1::uuid {rule}) t)))::text""",
        "Q2": f"""SELECT json_build_object('data', json_build_object('companies', coalesce(json_agg(t), '[]')))::text
FROM (SELECT {eight} FROM companies c WHERE country = $1 {rule} ORDER BY name LIMIT 100) t""",
        "Q3": f"""SELECT json_build_object('data', json_build_object('companies', coalesce(json_agg(x), '[]')))::text
FROM (SELECT c.id, c.name, c.city, c.country,
   (SELECT coalesce(json_agg(k), '[]') FROM (SELECT id, first_name, last_name, email FROM contacts
      WHERE company_id = c.id ORDER BY id LIMIT 5) k) AS contacts,
   (SELECT coalesce(json_agg(o), '[]') FROM (SELECT o.id, o.name, o.stage, o.amount,
        json_build_object('name', u.name) AS owner
      FROM opportunities o JOIN users u ON u.id = o.owner_id
      WHERE o.company_id = c.id ORDER BY o.id) o) AS opportunities
 FROM companies c WHERE c.country = $1 {rule} ORDER BY c.name LIMIT 20) x""",
        "Q4": f"""SELECT json_build_object('data', json_build_object('stages', json_agg(t)))::text
FROM (SELECT stage, count(*) AS count, sum(amount) AS amount FROM {from_companies} WHERE true {rule} GROUP BY stage) t""",
        "Q5": f"""WITH t AS (INSERT INTO contacts (company_id, first_name, last_name, email, phone)
 {f"SELECT c.id, $2, $3, $4, $5 FROM companies c WHERE c.id = $1::uuid {rule}" if rule else "VALUES ($1::uuid, $2, $3, $4, $5)"}
 RETURNING id, first_name, last_name, email)
SELECT json_build_object('data', json_build_object('createContact', row_to_json(t)))::text FROM t""",
        "Q6": f"""WITH t AS (UPDATE opportunities SET stage = $2 WHERE id = $1::uuid
 {of_company} RETURNING id, stage)
SELECT json_build_object('data', json_build_object('updateOpportunity', row_to_json(t)))::text FROM t""",
        "Q7": f"""SELECT json_build_object('data', json_build_object('companies', json_agg(t)))::text
FROM (SELECT {eight} FROM companies c WHERE true {rule} ORDER BY id LIMIT 1000) t""",
        "Q8": f"""SELECT json_build_object('data', json_build_object('contacts', coalesce(json_agg(t), '[]')))::text
FROM (SELECT k.id, k.first_name, k.last_name, k.email FROM contacts k
  JOIN companies c ON c.id = k.company_id
  WHERE c.country = $1 {rule} AND EXISTS (SELECT 1 FROM opportunities o
     WHERE o.company_id = c.id AND o.amount > $2::numeric)
  ORDER BY k.id LIMIT 50) t""",
    }


def _object(columns: list[str]) -> str:
    return "json_object(" + ", ".join(f"'{column}', {column}" for column in columns) + ")"


def _sqlite(rule: str) -> dict[str, str]:
    eight = ", ".join(COMPANY)
    from_companies = "opportunities o JOIN companies c ON c.id = o.company_id" if rule else "opportunities o"
    of_company = f"AND EXISTS (SELECT 1 FROM companies c WHERE c.id = company_id {rule})" if rule else ""
    new = "SELECT lower(hex(randomblob(16))), ?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ')"
    return {
        "Q1": f"""SELECT json_object('data', json_object('company', json((SELECT {_object(COMPANY)}
FROM companies c WHERE id = ?1 {rule}))))""",
        "Q2": f"""SELECT json_object('data', json_object('companies', json_group_array({_object(COMPANY)})))
FROM (SELECT {eight} FROM companies c WHERE country = ?1 {rule} ORDER BY name LIMIT 100)""",
        "Q3": f"""SELECT json_object('data', json_object('companies', json_group_array(json_object(
  'id', id, 'name', name, 'city', city, 'country', country,
  'contacts', json((SELECT json_group_array({_object(CONTACT)})
     FROM (SELECT id, first_name, last_name, email FROM contacts WHERE company_id = c.id ORDER BY id LIMIT 5))),
  'opportunities', json((SELECT json_group_array(json_object('id', id, 'name', name, 'stage', stage,
       'amount', amount, 'owner', json_object('name', owner)))
     FROM (SELECT o.id, o.name, o.stage, o.amount, u.name AS owner FROM opportunities o
       JOIN users u ON u.id = o.owner_id WHERE o.company_id = c.id ORDER BY o.id)))))))
FROM (SELECT id, name, city, country FROM companies c WHERE country = ?1 {rule} ORDER BY name LIMIT 20) c""",
        "Q4": f"""SELECT json_object('data', json_object('stages', json_group_array(json_object(
 'stage', stage, 'count', n, 'amount', s))))
FROM (SELECT stage, count(*) AS n, sum(amount) AS s FROM {from_companies} WHERE true {rule} GROUP BY stage)""",
        "Q5": f"""INSERT INTO contacts (id, company_id, first_name, last_name, email, phone, created_at)
{f"{new} FROM companies c WHERE c.id = ?1 {rule}" if rule else new}
RETURNING json_object('data', json_object('createContact', {_object(CONTACT)}))""",
        "Q6": f"""UPDATE opportunities SET stage = ?2 WHERE id = ?1
{of_company}
RETURNING json_object('data', json_object('updateOpportunity', json_object('id', id, 'stage', stage)))""",
        "Q7": f"""SELECT json_object('data', json_object('companies', json_group_array({_object(COMPANY)})))
FROM (SELECT {eight} FROM companies c WHERE true {rule} ORDER BY id LIMIT 1000)""",
        "Q8": f"""SELECT json_object('data', json_object('contacts', json_group_array({_object(CONTACT)})))
FROM (SELECT k.id, k.first_name, k.last_name, k.email FROM contacts k
  JOIN companies c ON c.id = k.company_id
  WHERE c.country = ?1 {rule} AND EXISTS (SELECT 1 FROM opportunities o WHERE o.company_id = c.id AND o.amount > ?2)
  ORDER BY k.id LIMIT 50)""",
    }


def _for(rule: str) -> dict[str, dict[str, str]]:
    return {"postgresql": _postgresql(rule), "sqlite": _sqlite(rule)}


FOR_ROLE = {"admin": _for(""), "bench_rep": _for(f"AND c.employees < {MAX_EMPLOYEES}")}
