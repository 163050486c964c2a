-- Statements whose answers on the sample reports are DuckDB's too; `scripts/queries` asks both. One statement a paragraph.

SELECT count(*) FROM parsed

SELECT count(*), count(CHWST), count(DISTINCT CH_1_S) FROM parsed

SELECT * FROM parsed ORDER BY timestamp LIMIT 3

SELECT timestamp, CHWST FROM parsed ORDER BY timestamp DESC LIMIT 5

SELECT min(timestamp), max(timestamp) FROM parsed

SELECT avg(CHWST), avg(CHWRT), avg(CHWRT - CHWST) FROM parsed

SELECT AVG(ch_sys_total_kw) AS mean_kw FROM PARSED

SELECT avg("ch_sys_total_kw"), avg("CH_SYS_TOTAL_KW"), avg(Ch_Sys_Total_kW) FROM "Parsed"

SELECT p.chwst FROM parsed AS P WHERE P.CHWST > 7.5 ORDER BY p.timestamp LIMIT 4

SELECT sum(CH_SYS_TOTAL_KW) / 4 AS kwh, max(CH_SYS_TOTAL_KWH) - min(CH_SYS_TOTAL_KWH) AS register FROM parsed

SELECT stddev_samp(CHWST), var_pop(CHWST), corr(CH_SYS_TOTAL_KW, CH_SYS_RT), covar_samp(OAT, OAH) FROM parsed

SELECT median(CH_SYS_TOTAL_KW) FROM parsed

SELECT date_trunc('day', timestamp) AS day, avg(CH_SYS_TOTAL_KW) AS kw FROM parsed GROUP BY 1 ORDER BY 1

SELECT date_trunc('month', timestamp) AS month, count(*), avg(CH_SYS_TOTAL_KW / nullif(CH_SYS_RT, 0)) FROM parsed GROUP BY month ORDER BY month

SELECT date_trunc('week', timestamp) AS week, max(OAT) FROM parsed GROUP BY week ORDER BY week

SELECT time_bucket(INTERVAL '6 hours', timestamp) AS bucket, avg(OAT) FROM parsed GROUP BY bucket ORDER BY bucket LIMIT 10

SELECT time_bucket(INTERVAL '1 day', timestamp) AS bucket, min(CHWST), max(CHWST) FROM parsed GROUP BY bucket ORDER BY bucket

SELECT time_bucket(INTERVAL '1 month', timestamp) AS bucket, sum(CH_SYS_RT) FROM parsed GROUP BY bucket ORDER BY bucket

SELECT time_bucket(INTERVAL '7 days', timestamp) AS bucket, count(*) FROM parsed GROUP BY bucket ORDER BY bucket

SELECT time_bucket(INTERVAL '45 minutes', timestamp) AS bucket, count(*) FROM parsed GROUP BY bucket ORDER BY bucket LIMIT 8

SELECT extract(hour FROM timestamp) AS hour, avg(CH_SYS_TOTAL_KW) FROM parsed GROUP BY hour ORDER BY hour

SELECT date_part('dow', timestamp) AS weekday, avg(CH_SYS_RT) FROM parsed GROUP BY weekday ORDER BY weekday

SELECT count(*) FROM parsed WHERE timestamp >= TIMESTAMPTZ '2024-07-03 00:00:00+08:00' AND timestamp < TIMESTAMPTZ '2024-07-04 00:00:00+08:00'

SELECT count(*) FROM parsed WHERE timestamp >= '2024-07-03' AND timestamp < '2024-07-04'

SELECT count(*) FROM parsed WHERE timestamp BETWEEN '2024-07-05 06:00:00' AND '2024-07-05 18:00:00'

SELECT timestamp, OAT FROM parsed WHERE OAT = (SELECT max(OAT) FROM parsed) ORDER BY timestamp

SELECT count(*) FILTER (WHERE CH_1_S = 1) AS first, count(*) FILTER (WHERE CH_2_S = 1) AS second FROM parsed

SELECT CH_1_S + CH_2_S AS running, count(*) AS n, avg(CH_SYS_TOTAL_KW) AS kw FROM parsed GROUP BY running HAVING count(*) > 10 ORDER BY running

SELECT CASE WHEN OAT >= 30 THEN 'hot' WHEN OAT >= 26 THEN 'warm' ELSE 'mild' END AS weather, count(*), avg(CH_SYS_TOTAL_KW) FROM parsed GROUP BY weather ORDER BY weather

SELECT round(CH_SYS_RT / 50) * 50 AS load, avg(CH_SYS_TOTAL_KW / CH_SYS_RT) AS kw_per_rt FROM parsed WHERE CH_SYS_RT > 50 GROUP BY load ORDER BY load

SELECT width, n FROM (SELECT floor(CHWRT - CHWST) AS width, count(*) AS n FROM parsed GROUP BY width) ORDER BY width

WITH daily AS (SELECT date_trunc('day', timestamp) AS day, avg(OAT) AS oat, avg(CH_SYS_TOTAL_KW) AS kw FROM parsed GROUP BY day) SELECT regr_slope(kw, oat), regr_intercept(kw, oat), regr_r2(kw, oat) FROM daily

WITH Parsed2 AS (SELECT * FROM parsed WHERE CH_2_S = 1) SELECT count(*), avg(CH_2_KW) FROM parsed2

WITH parsed AS (SELECT * FROM parsed WHERE OAT > 28) SELECT count(*) FROM parsed

SELECT timestamp, CH_SYS_TOTAL_KW, lag(CH_SYS_TOTAL_KW) OVER (ORDER BY timestamp) AS before FROM parsed ORDER BY timestamp LIMIT 4

SELECT timestamp, avg(OAT) OVER (ORDER BY timestamp ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS hour FROM parsed ORDER BY timestamp LIMIT 6

SELECT timestamp, avg(OAT) OVER w AS mean, max(OAT) OVER w AS most FROM parsed WINDOW w AS (ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) ORDER BY timestamp LIMIT 5

SELECT day, kw, rank() OVER (ORDER BY kw DESC) AS place FROM (SELECT date_trunc('day', timestamp) AS day, max(CH_SYS_TOTAL_KW) AS kw FROM parsed GROUP BY 1) ORDER BY place LIMIT 5

SELECT timestamp, row_number() OVER (PARTITION BY date_trunc('day', timestamp) ORDER BY timestamp) AS n FROM parsed ORDER BY timestamp LIMIT 3 OFFSET 95

SELECT timestamp, CHWST FROM (SELECT timestamp, CHWST, row_number() OVER (ORDER BY CHWST DESC, timestamp) AS n FROM parsed) WHERE n <= 5 ORDER BY n

SELECT first_value(CHWST) OVER (ORDER BY timestamp), last_value(CHWST) OVER (ORDER BY timestamp ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM parsed LIMIT 1

SELECT p.timestamp, p.CHWST, c.CHWST AS cleaned FROM parsed p JOIN cleaned c ON p.timestamp = c.timestamp ORDER BY p.timestamp LIMIT 4

SELECT count(*), sum(CASE WHEN p.CHWST = c.CHWST THEN 1 ELSE 0 END) FROM parsed p JOIN cleaned c USING (timestamp)

SELECT count(*) FROM parsed p LEFT JOIN (SELECT * FROM cleaned WHERE OAT > 30) c USING (Timestamp) WHERE c.OAT IS NULL

SELECT count(*) FROM parsed a, parsed b WHERE a.timestamp = b.timestamp + INTERVAL '15 minutes'

SELECT count(*) FROM (SELECT timestamp FROM parsed EXCEPT SELECT timestamp FROM cleaned)

SELECT count(*) FROM (SELECT timestamp FROM parsed INTERSECT SELECT timestamp FROM cleaned)

SELECT 'parsed' AS version, avg(CHWST) AS mean FROM parsed UNION ALL SELECT 'cleaned', avg(CHWST) FROM cleaned ORDER BY version

SELECT rule, "column", count(*) AS n, sum(rows) AS rows_hit FROM events GROUP BY rule, "column" ORDER BY rule, "column"

SELECT rule, min(start_at), max(end_at) FROM events GROUP BY rule ORDER BY rule

SELECT count(*) FROM events e JOIN parsed p ON p.timestamp BETWEEN e.start_at AND e.end_at

SELECT upper(rule) AS r, length(detail) > 0 AS told, substr(rule, 1, 3) AS begin, rule LIKE 'fro%' AS frozen FROM events ORDER BY start_at, rule LIMIT 3

SELECT count(*) FROM "Demo plant".parsed

SELECT count(*) FROM "demo PLANT"."PARSED" WHERE "demo plant".parsed.CHWST > 6.5

SELECT avg(a.CHWST) - avg(b.chwst) FROM "Demo plant".parsed_v1 a JOIN "Demo plant".cleaned_v1 b ON a.timestamp = b.TIMESTAMP

SELECT coalesce(CH_1_KW, 0) + coalesce(CH_2_KW, 0) AS chillers FROM parsed ORDER BY timestamp LIMIT 3

SELECT least(CHWST, CHWRT), greatest(CWST, CWRT), abs(CHWST - CHWRT), power(CHWST, 2), sqrt(OAH), ln(OAT), exp(0.1 * CHWST) FROM parsed ORDER BY timestamp LIMIT 2

SELECT CAST(CHWST AS INTEGER), CAST(CH_SYS_TOTAL_KWH AS BIGINT), CAST(CHWST AS VARCHAR) FROM parsed ORDER BY timestamp LIMIT 2

SELECT timestamp + INTERVAL '1 hour', timestamp - INTERVAL '1 day' FROM parsed ORDER BY timestamp LIMIT 2

SELECT * EXCLUDE (CHWST, chwrt) FROM parsed ORDER BY timestamp LIMIT 1

SELECT DISTINCT CH_1_S, CH_2_S FROM parsed ORDER BY CH_1_S, CH_2_S

SELECT count(*) FROM parsed WHERE CHWST IN (6.5, 6.6, 6.7) OR CHWRT IS NULL

SELECT count(*) FROM parsed WHERE NOT (CHWST > 6.5) AND OAT NOT BETWEEN 25 AND 30

SELECT bool_and(CHWST < CHWRT), bool_or(OAT > 35) FROM parsed WHERE CH_2_S = 1

SELECT CH_1_S, CH_2_S, avg(CH_SYS_TOTAL_KW) AS kw FROM parsed GROUP BY ROLLUP (CH_1_S, CH_2_S) ORDER BY CH_1_S NULLS LAST, CH_2_S NULLS LAST

SELECT o.running, (SELECT count(*) FROM parsed WHERE CH_1_S = o.running) AS n FROM (VALUES (0.0), (1.0)) AS o(running) ORDER BY o.running

SELECT n, n * n AS square FROM (VALUES (1), (2), (3)) AS v(n) ORDER BY n DESC

SELECT sum(w) FROM (SELECT CASE WHEN OAT > avg(OAT) OVER () THEN 1 ELSE 0 END AS w FROM parsed)

SELECT "Kw Per Rt" FROM (SELECT CH_SYS_TOTAL_KW / CH_SYS_RT AS "Kw Per Rt", timestamp FROM parsed WHERE CH_SYS_RT > 0) ORDER BY timestamp LIMIT 2

SELECT count(*) FROM parsed WHERE exists (SELECT 1 FROM events WHERE events."column" = 'CHWST' AND parsed.timestamp BETWEEN start_at AND end_at)

SELECT count(*) FROM parsed a JOIN cleaned b USING (timestamp) WHERE timestamp >= '2024-07-05 00:00:00' AND Timestamp < '2024-07-06 00:00:00'

SELECT timestamp, b.CHWST FROM parsed LEFT JOIN cleaned b USING (timestamp) WHERE timestamp IN (SELECT max(timestamp) FROM parsed) ORDER BY timestamp
