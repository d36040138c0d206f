import psycopg2


def test_visits_are_booked(workload, postgres):
    booking = workload("book")
    booking.start()
    booking.wait(30)

    assert booking.exit_code == 0
    with psycopg2.connect(postgres.direct_dsn) as looking, looking.cursor() as cursor:
        cursor.execute("select visit_id from visits order by visit_id")
        assert cursor.fetchall() == [(1,), (2,), (3,), (4,)]
