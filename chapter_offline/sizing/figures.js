// Figures in a browser: the twin of units.py, functions.py and figures.py, against which it is tested.
// All values are in base units. A figure is rounded to what is printed, and the next one is derived from that.
const figures = (definitions, units) => {
  class Endless extends Error {}
  const close = (a, b) => Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
  const need = (holds) => { if (!holds) throw new Endless(); };
  const whole = (n, least) => need(n >= least && n < Infinity && n === Math.floor(n));
  const sum = (count, term, first = 1) => {
    let total = 0, lost = 0; // Neumaier's sum: small terms are not lost beside large ones
    for (let i = first; i <= count; i += 1) {
      const value = term(i), next = total + value;
      lost += Math.abs(total) >= Math.abs(value) ? (total - next) + value : (value - next) + total;
      total = next;
    }
    return total + lost;
  };
  // As Python rounds: a half goes to the even number.
  const nearest = (x) => { const r = Math.round(x); return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r; };

  const harmonic = (n, s) => {
    whole(n, 1);
    need(n <= 1e9 && s >= 0 && s <= 5);
    const first = Math.min(n, 64), head = sum(first, (i) => i ** -s);
    if (first === n) return head;
    const span = Math.log(n / first);
    const grown = s === 1 ? span : first ** (1 - s) * Math.expm1((1 - s) * span) / (1 - s);
    return head + grown + (n ** -s - first ** -s) / 2 - s * (n ** (-s - 1) - first ** (-s - 1)) / 12
      + s * (s + 1) * (s + 2) * (n ** (-s - 3) - first ** (-s - 3)) / 720
      - s * (s + 1) * (s + 2) * (s + 3) * (s + 4) * (n ** (-s - 5) - first ** (-s - 5)) / 30240;
  };

  const overKeys = (keys, s) => {
    const all = harmonic(keys, s), exact = Math.min(keys, 256), nodes = [];
    for (let i = 1; i <= exact; i += 1) nodes.push([i ** -s / all, 1]);
    if (keys > exact) {
      const start = Math.log(exact + 0.5), width = (Math.log(keys + 0.5) - start) / 512;
      for (let i = 0; i <= 512; i += 1) {
        const rank = Math.exp(start + i * width), part = i === 0 || i === 512 ? 1 : i % 2 ? 4 : 2;
        nodes.push([rank ** -s / all, part * width / 3 * rank]);
      }
    }
    return (term) => sum(nodes.length - 1, (i) => nodes[i][1] * term(nodes[i][0]), 0);
  };

  const models = {
    over: (a, b) => { need(b !== 0); return a / b; },
    power: (a, b) => { need(!(a === 0 && b < 0)); return a ** b; },
    lt: (a, b) => a < b && !close(a, b),
    le: (a, b) => a <= b || close(a, b),
    gt: (a, b) => a > b && !close(a, b),
    ge: (a, b) => a >= b || close(a, b),
    smaller: Math.min,
    sqrt: (x) => { need(x >= 0); return Math.sqrt(x); },
    erlang_c: (servers, load) => {
      whole(servers, 1);
      need(servers <= 10000 && load >= 0 && load < 1);
      let lost = 1;
      for (let n = 1; n <= servers; n += 1) lost = servers * load * lost / (n + servers * load * lost);
      return lost / (1 - load * (1 - lost));
    },
    zipf_share: (top, keys, s) => {
      const all = nearest(keys), first = Math.min(nearest(top), all);
      whole(first, 0);
      const total = harmonic(all, s);
      return first ? harmonic(first, s) / total : 0;
    },
    stale_share: (writes, lag) => {
      need(writes >= 0 && writes < Infinity && lag >= 0 && lag < Infinity);
      return -Math.expm1(-writes * lag);
    },
    replicas_up: (n, k, one) => {
      whole(n, 1);
      whole(k, 0);
      need(n <= 1000 && k <= n && one >= 0 && one <= 1);
      const choose = (i) => { let c = 1; for (let j = 1; j <= i; j += 1) c *= (n - i + j) / j; return c; };
      return Math.min(1, sum(n, (i) => choose(i) * one ** i * (1 - one) ** (n - i), k));
    },
    quorum_wait: (n, k, fixed, tail) => {
      whole(n, 1);
      whole(k, 1);
      need(k <= n && n <= 1e6 && fixed >= 0 && fixed < Infinity && tail >= 0 && tail < Infinity);
      return fixed + tail * sum(n, (i) => 1 / i, n - k + 1);
    },
    lru_hit: (entries, keys, s) => {
      const all = nearest(keys), held = Math.min(nearest(entries), all);
      need(held > 0 && held < Infinity);
      if (held >= all) return 1;
      const total = overKeys(all, s), kept = (reads) => total((share) => -Math.expm1(-share * reads));
      let low = 0, high = held;
      while (kept(high) < held && high < 1e30) { low = high; high *= 2; }
      for (let i = 0; i < 40; i += 1) {
        const middle = (low + high) / 2;
        if (kept(middle) < held) low = middle; else high = middle;
      }
      const reads = (low + high) / 2;
      return total((share) => -share * Math.expm1(-share * reads));
    },
  };

  // Half up in decimal, as at school, without the noise of binary fractions.
  const rounded = (value, significant) => {
    if (!Number.isFinite(value)) return value;
    const near = nearest(value);
    if (Math.abs(value - near) <= 1e-9 * Math.max(1, Math.abs(value)) && Math.abs(value) < 100000) return near;
    const [digits, exponent] = Math.abs(value).toExponential(11).split("e");
    const kept = digits.replace(".", "");
    const up = kept[significant] >= "5" ? 1 : 0;
    return Math.sign(value) * Number(`${Number(kept.slice(0, significant)) + up}e${Number(exponent) - significant + 1}`);
  };

  const grouped = (text) => {
    const [head, tail] = text.split(".");
    const parts = head.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    return (tail === undefined ? parts : `${parts}.${tail}`).replace("-", "−");
  };
  const numeral = (value) => {
    if (!Number.isFinite(value)) return "∞";
    if (value === Math.round(value) && Math.abs(value) < 1e15) return grouped(String(value === 0 ? 0 : value));
    const places = Math.max(6, 5 - Math.floor(Math.log10(Math.abs(value))));
    return grouped(value.toFixed(Math.min(places, 100)).replace(/\.?0+$/, ""));
  };

  const scaledUnit = (base, unit) => {
    const [head, ...rest] = unit.split("/"), per = rest.length ? `/${rest.join("/")}` : "";
    if (["µs", "ms", "s", "min", "h", "days", "years"].includes(head) && !per) {
      const fit = units.times.find(([, below]) => Math.abs(base) < below);
      return fit ? fit[0] : "years";
    }
    if (["bytes", "kB", "MB", "GB", "TB", "PB"].includes(head)) {
      const size = Math.abs(base / units.factors[`bytes${per}`]);
      const fit = units.sizes.find(([, below]) => size < below);
      return (fit ? fit[0] : "PB") + per;
    }
    return unit;
  };

  const MONEY = { "": "", "/day": " a day", "/month": " a month", "/year": " a year", "/GB": " per GB", "/GB/month": " per GB and month" };
  // value: a number in the unit `shown`, printed as it is.
  const written = (value, shown) => {
    let suffix = "", factor = 1;
    if (["", "/s", "/day"].includes(shown) && Number.isFinite(value)) {
      const word = units.words.find(([size]) => Math.abs(value) >= size);
      if (word) { [factor] = word; suffix = ` ${word[1]}`; }
    }
    const number = numeral(value / factor);
    let prefix = "";
    if (shown.startsWith("$")) {
      prefix = "$";
      suffix += shown.slice(1) in MONEY ? MONEY[shown.slice(1)] : ` ${shown.slice(1)}`;
    } else if (shown === "%" || shown.startsWith("/")) suffix += shown;
    else if (shown) suffix += ` ${["days", "years", "bytes"].includes(shown) && number === "1" ? shown.slice(0, -1) : shown}`;
    return { prefix, number, suffix, text: prefix + number + suffix, base: value * units.factors[shown] };
  };
  // base: a value in base units, printed to three digits in the unit that reads best.
  const printed = (base, unit) => {
    const shown = scaledUnit(base, unit), value = base / units.factors[shown];
    const nines = shown === "%" && value > 99 && value < 100; // of availabilities the nines count
    return written(rounded(value, nines ? 5 : 3), shown);
  };

  // changes: other values of assumptions, in their own units, by name.
  return (changes = {}) => {
    const made = new Map();
    const figure = (name) => {
      if (!made.has(name)) made.set(name, derive(definitions[name], name));
      return made.get(name);
    };
    const value = (name) => figure(name).base;
    const derive = (each, name) => {
      if (!each.is) {
        return written(Object.hasOwn(changes, name) ? changes[name] : each.value, each.unit);
      }
      let base;
      try { base = each.is(value, models); } catch (error) {
        if (!(error instanceof Endless)) throw error;
        return written(Infinity, each.unit);
      }
      if (each.up && Number.isFinite(base)) {
        return written(Math.ceil(nearest(base / units.factors[each.unit] * 1e9) / 1e9), each.unit);
      }
      return printed(base, each.unit);
    };
    return {
      figure,
      magnitude: (name) => value(name) / units.factors[definitions[name].unit],
      usable: (name) => Number.isFinite(value(name)) && value(name) > 0,
      // A comparison or a side of one; null where it has no end.
      evaluate: (formula) => {
        try { return formula(value, models); } catch (error) { if (error instanceof Endless) return null; throw error; }
      },
      printed,
    };
  };
};
