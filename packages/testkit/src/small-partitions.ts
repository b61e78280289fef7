import type { Pool } from 'pg'

/** Makes the partitions of an empty log small, so that a test soon comes to their ends. */
export async function smallPartitions(superuser: Pool, events: number): Promise<void> {
  await superuser.query(`
    alter table log.events detach partition log.events_16777217;
    drop table log.events_16777217;
    alter table log.events detach partition log.events_1;
    alter table log.events attach partition log.events_1 for values from (1) to (${events + 1});
    delete from log.partitions;
    insert into log.partitions values (1, ${events}, 0)`)
}
