import type { Pool } from 'pg'

/** All that makes the tables of a schema what they are, without their rows: two schemas with the same catalog can take each other's place. */
export async function catalogOf(pool: Pool, schema: string): Promise<Record<string, readonly unknown[]>> {
  const read = async (sql: string) =>
    (await pool.query<{ told: unknown }>(sql, [schema])).rows.map(({ told }) =>
      // What names its own schema.
      JSON.parse(JSON.stringify(told).replaceAll(`${schema}.`, 'views.')),
    )
  const ofTables = `from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1`
  return {
    schema: await read(`select jsonb_build_array(nspacl::text, nspowner::regrole) as told from pg_namespace where nspname = $1`),
    relations: await read(
      `select jsonb_build_array(relname, relkind, relpersistence, relowner::regrole, relacl::text, reloptions, relrowsecurity, relreplident) as told
       ${ofTables} order by relname`,
    ),
    columns: await read(
      `select jsonb_build_array(relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation, attstorage,
                                attcompression, attstattarget, attidentity, attgenerated, attacl::text, pg_get_expr(adbin, adrelid)) as told
       ${ofTables} join pg_attribute a on attrelid = c.oid and attnum > 0 left join pg_attrdef d on adrelid = c.oid and adnum = attnum
        where relkind = 'r' order by relname, attnum`,
    ),
    constraints: await read(
      `select jsonb_build_array(relname, conname, contype, pg_get_constraintdef(k.oid)) as told
       ${ofTables} join pg_constraint k on conrelid = c.oid order by relname, conname`,
    ),
    indexes: await read(
      `select jsonb_build_array(tablename, indexname, indexdef) as told from pg_indexes where schemaname = $1 order by indexname`,
    ),
    triggers: await read(
      `select jsonb_build_array(relname, tgname, pg_get_triggerdef(g.oid)) as told
       ${ofTables} join pg_trigger g on tgrelid = c.oid and not tgisinternal order by relname, tgname`,
    ),
    others: await read(
      `select jsonb_build_array(proname) as told from pg_proc p join pg_namespace n on n.oid = pronamespace and n.nspname = $1
        union all select jsonb_build_array(polname) from pg_policy join pg_class c on c.oid = polrelid join pg_namespace n on n.oid = relnamespace and n.nspname = $1
        union all select jsonb_build_array(stxname, stxkeys::text) from pg_statistic_ext join pg_namespace n on n.oid = stxnamespace and n.nspname = $1`,
    ),
  }
}
