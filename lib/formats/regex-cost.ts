/**
 * How often a backtracking matcher may try again at one place of a text of n characters: at most `factor * n ** degree`.
 */
interface Cost {
  readonly factor: number;
  readonly degree: number;
}

/** What one part of a pattern can do. */
interface Part {
  /** Tries within the part, before what follows it is looked at. */
  readonly inner: Cost;
  /** The lengths that the part can match, each of which is tried when what follows does not match. */
  readonly lengths: Cost;
  /** Whether it matches the empty text too, and so never makes what stands before it try again. */
  readonly optional: boolean;
}

const one: Cost = { factor: 1, degree: 0 };
const times = (a: Cost, b: Cost): Cost => ({ factor: a.factor * b.factor, degree: a.degree + b.degree });

/** One after the other: those of the highest degree decide. */
function plus(costs: readonly Cost[]): Cost {
  const degree = Math.max(...costs.map((cost) => cost.degree));
  const factor = costs.reduce((sum, cost) => sum + (cost.degree === degree ? cost.factor : 0), 0);
  return { factor, degree };
}

const escape = /\\(?:[pP]\{\^?\w+\}|x\{[0-9a-fA-F]{1,8}\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^0-9gkKxup])/y;
const charClass = /\[\^?\]?(?:\\.|\[(?:\\.|[^\\[\]])*\]|[^\\[\]])*\]/suy;
const groupHead = /\((?:\?(?:[ims-]*:|=|!))?(?!\?)/y;
const quantifier = /(?:([*+?])[?+]?|\{(\d{1,3})(,(\d{0,3}))?\})(?![*+?{])/y;
const literal = /[^\\[\](){}*+?|]/suy;

/** Reads a regular expression of Oniguruma, as far as its cost can be told; undefined is a pattern that is refused. */
class PatternReader {
  private at = 0;

  constructor(private readonly pattern: string) {}

  cost(): Cost | undefined {
    const whole = this.alternatives();
    return this.at === this.pattern.length ? whole?.inner : undefined;
  }

  private take(syntax: RegExp): RegExpExecArray | undefined {
    syntax.lastIndex = this.at;
    const found = syntax.exec(this.pattern) ?? undefined;
    if (found !== undefined) this.at = syntax.lastIndex;
    return found;
  }

  private alternatives(): Part | undefined {
    const branches: Part[] = [];
    do {
      const branch = this.sequence();
      if (branch === undefined) return undefined;
      branches.push(branch);
    } while (this.take(/\|/y) !== undefined);
    return {
      inner: plus(branches.map(({ inner }) => inner)),
      lengths: plus(branches.map(({ lengths }) => lengths)),
      optional: branches.some(({ optional }) => optional),
    };
  }

  private sequence(): Part | undefined {
    const parts: Part[] = [];
    while (this.at < this.pattern.length && !/[|)]/.test(this.pattern.charAt(this.at))) {
      const part = this.quantified();
      if (part === undefined) return undefined;
      parts.push(part);
    }
    const lastNeeded = parts.findLastIndex(({ optional }) => !optional);
    // A part is tried once for each way to match those before it. What follows the last one that can fail is tried once.
    let ways = one;
    const tries: Cost[] = parts.length === 0 ? [one] : [];
    for (const [i, { inner, lengths }] of parts.entries()) {
      tries.push(i > lastNeeded ? inner : times(ways, inner));
      ways = times(ways, lengths);
    }
    return {
      inner: plus(tries),
      lengths: parts.map(({ lengths }) => lengths).reduce(times, one),
      optional: lastNeeded === -1,
    };
  }

  private quantified(): Part | undefined {
    const part = this.atom();
    const found = this.take(quantifier);
    if (part === undefined || found === undefined) return part;
    const [, symbol, least = '', range, most = ''] = found;
    if (symbol === '?') return { ...part, lengths: plus([part.lengths, one]), optional: true };
    // Repeating what can match in several ways takes exponential time.
    if (part.lengths.degree > 0 || part.lengths.factor > 1 || part.inner.degree > 0) return undefined;
    const optional = symbol === '*' || (symbol === undefined && Number(least) === 0);
    const isUnbounded = symbol !== undefined || (range !== undefined && most === '');
    const choices = range === undefined ? 1 : Number(most) - Number(least) + 1;
    return {
      inner: part.inner,
      lengths: isUnbounded ? { factor: 1, degree: 1 } : { factor: choices, degree: 0 },
      optional,
    };
  }

  private atom(): Part | undefined {
    const head = this.take(groupHead);
    if (head === undefined) {
      const simple = this.take(escape) ?? this.take(charClass) ?? this.take(literal);
      return simple && { inner: one, lengths: one, optional: false };
    }
    const group = this.alternatives();
    if (group === undefined || this.take(/\)/y) === undefined) return undefined;
    // What a look-ahead has found is not tried again.
    return /[=!]$/.test(head[0]) ? { inner: group.inner, lengths: one, optional: false } : group;
  }
}

/**
 * Whether a backtracking matcher gives up on no text of up to a million characters: it tries again at most a few times
 * as often, at any one place, as there are characters. Patterns that are not understood are none of these.
 */
export function isLinear(pattern: string): boolean {
  const cost = new PatternReader(pattern).cost();
  return cost !== undefined && (cost.degree === 0 ? cost.factor <= 1000 : cost.degree === 1 && cost.factor <= 4);
}
