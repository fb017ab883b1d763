"""`low`: GET /stock/low at many levels and movements, beside the plain sum over the ledger, in one run.

Run by `python -m bench.run low`; itself it works on the PostgreSQL database in DATABASE_URL, in a process of
its own. The rows are made by SQL; what the figures of a level are is made up, its balance is its ledger's.
"""

import io
import json
import logging
import sys
from time import perf_counter

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from accounts.models import Clinic, Role, User
from bench.calls import caller, open_the_site, timed
from bench.rows import fill_table

CLINICS = 50
CALLS = 300
SUMS = 3

ITEMS = """
INSERT INTO stock_item (id, code, name, unit, pack_size, vital, version, created_at, updated_at)
SELECT gen_random_uuid(), 'I' || n, 'Item ' || n, 'tablet', 10, n %% 10 = 0, 1, now(), now()
FROM generate_series(1, %(items)s) n
"""
# One in five is low, as many of these out.
LEVELS = """
INSERT INTO stock_stocklevel (
    id, clinic_id, item_id, on_hand, sequence, reorder_level, lead_time_days, review_days,
    usage_units, usage_days, booked_demand, open_weekdays, usable, on_order, status, daily_usage,
    days_of_stock, runs_out_on, suggested_order, will_expire, urgency, figures_on, version,
    created_at, updated_at
)
SELECT gen_random_uuid(), clinic, item, 0, 0, 200, 14, 30, 0, 0, 0, 31, 0, 0, 'no_data', 3.5,
    0, current_date, 0, 0, NULL, current_date, 1, now(), now()
FROM (SELECT c.id AS clinic, i.id AS item FROM accounts_clinic c CROSS JOIN stock_item i) pairs
"""
# A receipt, then issues; each level ends with what its number says.
MOVEMENTS = """
INSERT INTO stock_movement (
    id, level_id, sequence, kind, quantity, change, balance_after, demand, occurred_on, recorded_at,
    actor_kind, actor_name, reason
)
SELECT gen_random_uuid(), level_id, n,
    CASE WHEN n = 1 THEN 'receipt' ELSE 'issue' END,
    CASE WHEN n = 1 THEN %(entries)s - 1 + final ELSE 1 END,
    CASE WHEN n = 1 THEN %(entries)s - 1 + final ELSE -1 END,
    %(entries)s - n + final,
    CASE WHEN n = 1 THEN 0 ELSE 1 END,
    current_date - ((%(entries)s - n) * 365 / %(entries)s)::int,
    now(), 'system', 'system', ''
FROM (
    SELECT id AS level_id,
        CASE row_number() OVER (ORDER BY id) %% 25
            WHEN 0 THEN 0 WHEN 1 THEN 40 WHEN 2 THEN 120 WHEN 3 THEN 180 WHEN 4 THEN 200 ELSE 500
        END AS final
    FROM stock_stocklevel
) levels CROSS JOIN generate_series(1, %(entries)s) n
"""
BALANCES = """
UPDATE stock_stocklevel SET on_hand = total, usable = total, sequence = entries, version = entries + 1,
    days_of_stock = total / 3.5,
    status = CASE WHEN total = 0 THEN 'out' WHEN total <= 100 THEN 'critical'
        WHEN total <= 200 THEN 'low' ELSE 'ok' END,
    urgency = CASE WHEN total = 0 THEN 2 WHEN total <= 100 THEN 10000 + total
        WHEN total <= 200 THEN 20000 + total END,
    suggested_order = CASE WHEN total <= 200 THEN 500 ELSE 0 END
FROM (
    SELECT level_id, sum(change) AS total, count(*) AS entries FROM stock_movement GROUP BY level_id
) sums WHERE sums.level_id = stock_stocklevel.id
"""
# What an app without a balance does: all is summed, and the thresholds are looked at then.
PLAIN_SUM = """
SELECT level.id, sums.total FROM stock_stocklevel level
JOIN (SELECT level_id, sum(change) AS total FROM stock_movement GROUP BY level_id) sums
    ON sums.level_id = level.id
WHERE sums.total <= level.reorder_level ORDER BY sums.total, level.id LIMIT 20
"""


def fill(levels: int, movements: int) -> None:
    Clinic.objects.bulk_create(
        Clinic(code=f"B{n:03d}", name=f"Clinic {n}", phone="+2673900000") for n in range(CLINICS)
    )
    sizes = {"items": levels // CLINICS, "entries": movements // levels}
    with connection.cursor() as cursor:
        cursor.execute(ITEMS, sizes)
        cursor.execute(LEVELS)
        for table in ("stock_stocklevel", "accounts_clinic", "stock_item"):
            cursor.execute(f"ANALYZE {table}")
        fill_table(cursor, "stock_movement", MOVEMENTS, sizes)
        cursor.execute(BALANCES)
        cursor.execute("VACUUM FULL ANALYZE stock_stocklevel")


def plain_sum() -> float:
    """Milliseconds: the best of a few."""
    best = float("inf")
    for _number in range(SUMS):
        start = perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(PLAIN_SUM)
            cursor.fetchall()
        best = min(best, 1000 * (perf_counter() - start))
    return best


def main(levels: int, movements: int) -> dict[str, float]:
    """Milliseconds."""
    logging.disable(logging.CRITICAL)
    open_the_site()
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    fill(levels, movements)
    admin = User.objects.create_user("bench", role=Role.ADMIN)
    nurse = User.objects.create_user("nurse", role=Role.STAFF)
    nurse.clinics.set(Clinic.objects.filter(code="B001"))
    figures: dict[str, float] = {}
    for who, user in (("all clinics", admin), ("one clinic", nurse)):
        client = caller(user)
        for way, path in (("page", "/api/v1/stock/low"), ("cursor", "/api/v1/stock/low?cursor=")):
            for what, figure in timed(client, path, CALLS).items():
                figures[f"{who}, {way}, {what}"] = figure
    figures["plain sum over the ledger"] = plain_sum()
    return figures


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
