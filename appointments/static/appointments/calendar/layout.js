// What stands on the page: appointments as blocks, groups as one block, and blocks that meet side by side.

// Appointments that share a time of a service with seats are one block, with all who come.
export function blocksOf(appointments) {
  const groups = new Map();
  const blocks = [];
  for (const one of appointments) {
    const isShared = one.seats > 1 && one.status !== "cancelled";
    const key = `${one.employee} ${one.service} ${one.start}`;
    if (isShared && groups.has(key)) {
      groups.get(key).members.push(one);
      continue;
    }
    const block = { ...one, members: [one] };
    if (isShared) groups.set(key, block);
    blocks.push(block);
  }
  return blocks;
}

// The visits that have more than one part: id -> its appointments in order of time.
export function visitsOf(appointments) {
  const visits = new Map();
  for (const one of appointments) {
    if (one.visit && one.status !== "cancelled") visits.set(one.visit, [...(visits.get(one.visit) ?? []), one]);
  }
  for (const [id, parts] of visits) {
    if (parts.length < 2) visits.delete(id);
    else parts.sort((one, other) => one.start - other.start);
  }
  return visits;
}

// Gives each { top, bottom } a `lane` of so many `lanes`: those that meet share the breadth.
export function sideBySide(placed) {
  const ordered = [...placed].sort((one, other) => one.top - other.top || other.bottom - one.bottom);
  let together = [];
  let reach = -Infinity;
  const settle = () => {
    const lanes = Math.max(0, ...together.map((one) => one.lane + 1));
    for (const one of together) one.lanes = lanes;
    together = [];
  };
  for (const one of ordered) {
    if (one.top >= reach) settle();
    const taken = new Set(together.filter((other) => other.bottom > one.top).map((other) => other.lane));
    one.lane = 0;
    while (taken.has(one.lane)) one.lane += 1;
    together.push(one);
    reach = Math.max(together.length === 1 ? -Infinity : reach, one.bottom);
  }
  settle();
  return ordered;
}
