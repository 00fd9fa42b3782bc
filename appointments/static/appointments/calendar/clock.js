// Minutes since 1970, and where they lie on the axis of the wall clock. The pieces come from the server: browsers
// need not know the zone, and a day on which the clock is changed has 23 or 25 hours of its own.

const DAY_MINUTES = 24 * 60;

export class Clock {
  constructor(days) {
    this.days = days;
  }

  // Which of the days a minute belongs to, or -1.
  dayAt(minute) {
    return this.days.findIndex((day) => day.pieces.some(([start, end]) => start <= minute && minute < end));
  }

  begins(day) {
    return this.days[day].pieces[0]?.[0] ?? Infinity;
  }

  ends(day) {
    return this.days[day].pieces.at(-1)?.[1] ?? -Infinity;
  }

  // Where the part of [start, end) that lies on a day is on the axis, or null.
  place(day, start, end) {
    const from = Math.max(start, this.begins(day));
    const until = Math.min(end, this.ends(day));
    if (from >= until) return null;
    return { top: this.#axis(day, from, (minute, [, last]) => minute < last), bottom: this.#axis(day, until, (minute, [, last]) => minute <= last) };
  }

  #axis(day, minute, reaches) {
    const piece = this.days[day].pieces.find((one) => reaches(minute, one));
    return piece ? piece[2] + Math.max(0, minute - piece[0]) : DAY_MINUTES;
  }

  // The minute at a place of the axis; null where the clock skips it.
  instant(day, axis) {
    const piece = this.days[day].pieces.find(([start, end, at]) => at <= axis && axis < at + (end - start));
    return piece ? piece[0] + (axis - piece[2]) : null;
  }

  // What the axis has that the day has not: [from, until), in minutes of the axis.
  gaps(day, minutes) {
    const gaps = [];
    let at = 0;
    for (const [start, end, axis] of this.days[day].pieces) {
      if (axis > at) gaps.push([at, axis]);
      at = axis + (end - start);
    }
    if (at < minutes) gaps.push([at, minutes]);
    return gaps;
  }

  // "10:20", with the zone's letters where the clock is changed: "01:30 EST".
  at(minute) {
    const found = this.#piece(minute);
    if (!found) return "";
    const [day, [start, , , wall, letters]] = found;
    const shown = clockFace(wall + Math.floor(minute - start));
    return !evenly(day) ? `${shown} ${letters}` : shown;
  }

  between(start, end) {
    return `${this.at(start)}–${this.at(end) || "24:00"}`;
  }

  // For fields of forms: the date and the time that the clock shows.
  face(minute) {
    const found = this.#piece(minute);
    if (!found) return { date: "", time: "" };
    const [day, [start, , , wall]] = found;
    return { date: day.date, time: clockFace(wall + Math.floor(minute - start)) };
  }

  #piece(minute) {
    for (const day of this.days) {
      const piece = day.pieces.find(([start, end]) => start <= minute && minute < end);
      if (piece) return [day, piece];
    }
    return null;
  }
}

const evenly = (day) => new Set(day.pieces.map((piece) => piece[4])).size < 2;

export const clockFace = (minutes) =>
  `${String(Math.floor(minutes / 60) % 24).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

// Dates as texts: no zone has a say in them.
export function dateAfter(date, days) {
  const [year, month, day] = date.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, day + days)).toISOString().slice(0, 10);
}

export function mondayOf(date) {
  return dateAfter(date, -((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7));
}

export function inWords(date, style) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...style }).format(new Date(`${date}T00:00:00Z`));
}
