/** As much of JSON Schema as our schema uses, for tests. */

/** Whether a value is what a schema asks for. Throws where the schema has a keyword that is unknown here. */
export function accepts(schema: unknown, value: unknown): boolean {
  return Object.entries(recordOf(schema)).every(([keyword, wanted]) =>
    holds(keyword, wanted, value, recordOf(schema)),
  );
}

function holds(
  keyword: string,
  wanted: unknown,
  value: unknown,
  schema: Readonly<Record<string, unknown>>,
): boolean {
  switch (keyword) {
    case '$schema':
    case 'title':
    case 'description':
      return true;
    case 'type':
      return typeOf(value) === wanted || (wanted === 'number' && typeOf(value) === 'integer');
    case 'const':
      return value === wanted;
    case 'enum':
      return listOf(wanted).includes(value);
    case 'oneOf':
      return listOf(wanted).filter((one) => accepts(one, value)).length === 1;
    case 'items':
      return !Array.isArray(value) || value.every((item) => accepts(wanted, item));
    case 'minLength':
      return typeof value !== 'string' || value.length >= Number(wanted);
    case 'pattern':
      return typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value);
    case 'minimum':
      return typeof value !== 'number' || value >= Number(wanted);
    case 'maximum':
      return typeof value !== 'number' || value <= Number(wanted);
    case 'minProperties':
      return typeOf(value) !== 'object' || Object.keys(recordOf(value)).length >= Number(wanted);
    case 'properties':
      return Object.entries(recordOf(wanted)).every(
        ([name, inner]) =>
          typeOf(value) !== 'object' || !(name in recordOf(value)) || accepts(inner, recordOf(value)[name]),
      );
    case 'additionalProperties':
      return (
        typeOf(value) !== 'object' ||
        Object.entries(recordOf(value)).every(
          ([name, inner]) =>
            name in recordOf(schema['properties']) || (wanted !== false && accepts(wanted, inner)),
        )
      );
    default:
      throw new Error(`the keyword ${keyword} is unknown here`);
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
