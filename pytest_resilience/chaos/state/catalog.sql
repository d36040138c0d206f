with spaces as (
    select oid, nspname, quote_ident(nspname) as name, nspowner, nspacl from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
), extended as (
    select classid, objid from pg_depend where deptype = 'e'
), relations as (
    select c.*, s.name || '.' || quote_ident(c.relname) as name
    from pg_class c join spaces s on s.oid = c.relnamespace
    where not exists (select from extended where classid = 'pg_class'::regclass and objid = c.oid)
), attributes as (
    select a.*, r.name, r.relkind, pg_get_expr(d.adbin, d.adrelid) as fallback
    from pg_attribute a
    join relations r on r.oid = a.attrelid
    left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
), surrogates as (
    select attrelid, attnum from attributes where attidentity <> '' or fallback ~ '^nextval\('
    union
    select p.conrelid, pair.own from pg_constraint p
    cross join unnest(p.conkey, p.confkey) as pair(own, other)
    join attributes a on (a.attrelid, a.attnum) = (p.confrelid, pair.other)
    where p.contype = 'f' and (a.attidentity <> '' or a.fallback ~ '^nextval\(')
), objects (kind, name, definition) as (
    select 'schema', name, (
        select string_agg(acl::text, ',' order by acl::text)
        from unnest(coalesce(nspacl, acldefault('n', nspowner))) acl
    ) from spaces
    union all
    select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
            when 'c' then 'type' when 'f' then 'foreign table' else 'table' end,
        name,
        concat_ws(' ', relkind, relpersistence, relrowsecurity, relforcerowsecurity, reloptions::text,
            case when relkind = 'p' then pg_get_partkeydef(oid) end, pg_get_expr(relpartbound, oid),
            case when relkind in ('v', 'm') then pg_get_viewdef(oid) end,
            (select string_agg(inhparent::regclass::text, ',' order by inhparent::regclass::text)
                from pg_inherits where inhrelid = relations.oid),
            (select string_agg(acl::text, ',' order by acl::text)
                from unnest(coalesce(relacl, acldefault(
                    case when relkind = 'S' then 's' else 'r' end::"char", relowner))) acl))
    from relations where relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c')
    union all
    select 'sequence limits of', r.name, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin,
        seqcache, seqcycle)
    from pg_sequence join relations r on r.oid = seqrelid
    union all
    select 'column', name || '.' || quote_ident(attname), concat_ws(' ', format_type(atttypid, atttypmod),
        attnotnull, attidentity, attgenerated, fallback, nullif(attcollation, 0)::regcollation)
    from attributes
    union all
    select 'constraint', coalesce(r.name || '.', '') || quote_ident(p.conname),
        concat_ws(' ', pg_get_constraintdef(p.oid), p.convalidated)
    from pg_constraint p
    join spaces s on s.oid = p.connamespace
    left join relations r on r.oid = p.conrelid
    where p.contype <> 'n'
    union all
    select 'index', r.name, concat_ws(' ', pg_get_indexdef(r.oid), i.indisvalid, i.indisready)
    from pg_index i join relations r on r.oid = i.indexrelid
    union all
    select 'trigger', r.name || '.' || quote_ident(t.tgname), concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
    from pg_trigger t join relations r on r.oid = t.tgrelid where not t.tgisinternal
    union all
    select 'policy', r.name || '.' || quote_ident(p.polname), concat_ws(' ', polcmd, polpermissive,
        (select string_agg(role::regrole::text, ',' order by role) from unnest(polroles) role where role <> 0),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    from pg_policy p join relations r on r.oid = p.polrelid
    union all
    select 'rule', r.name || '.' || quote_ident(w.rulename), pg_get_ruledef(w.oid)
    from pg_rewrite w join relations r on r.oid = w.ev_class where w.rulename <> '_RETURN'
    union all
    select 'function', s.name || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        case when p.prokind = 'a' then 'aggregate' else pg_get_functiondef(p.oid) end
    from pg_proc p join spaces s on s.oid = p.pronamespace
    where not exists (select from extended where classid = 'pg_proc'::regclass and objid = p.oid)
    union all
    select 'type', s.name || '.' || quote_ident(t.typname), concat_ws(' ', t.typtype, t.typnotnull,
        case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end, t.typdefault,
        (select string_agg(quote_literal(enumlabel), ',' order by enumsortorder) from pg_enum where enumtypid = t.oid))
    from pg_type t join spaces s on s.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r')
        and not exists (select from extended where classid = 'pg_type'::regclass and objid = t.oid)
    union all
    select 'extension', quote_ident(extname), extversion from pg_extension
)
select kind, name, md5(definition) from objects
union all
select '', r.name, jsonb_build_object(
    'schema', (select nspname from spaces where oid = r.relnamespace),
    'table', r.relname,
    'populated', r.relispopulated,
    'bytes', pg_relation_size(r.oid),
    'columns', (select jsonb_agg(jsonb_build_array(attname,
            (attrelid, attnum) in (select attrelid, attnum from surrogates)) order by attname collate "C")
        from attributes where attrelid = r.oid),
    'keys', (select jsonb_agg((select jsonb_agg(attname order by attname collate "C") from attributes
                where attrelid = r.oid and attnum = any (i.indkey::int2[])) order by i.indisprimary desc, i.indnatts)
        from pg_index i
        where i.indrelid = r.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null)
)::text
from relations r where r.relkind in ('r', 'm')
order by 1, 2
