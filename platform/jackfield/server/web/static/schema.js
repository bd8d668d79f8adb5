// What of a JSON Schema (2020-12) a form is made from: one node at a time, references followed.

/** The node that a `$ref` of the same document means, with what stands beside it. */
export function resolved(node, whole) {
  let found = node === true || node === undefined ? {} : node;
  for (let depth = 0; found.$ref && depth < 16; depth += 1) {
    const { $ref, ...beside } = found;
    const target = $ref.startsWith("#/") ? $ref.slice(2).split("/").reduce((at, key) =>
      at?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")], whole) : undefined;
    found = { ...target, ...beside };
  }
  return found;
}

/** A node with what `input:` narrows laid over it, as far as a form can show that. */
export function narrowed(node, more) {
  if (!more || typeof more !== "object") return node;
  const { allOf = [], properties = {}, required = [], additionalProperties: others, ...rest } = more;
  const found = { ...node, ...rest }, open = node.additionalProperties, closes = others === false && !more.patternProperties;
  if (more.required) found.required = [...new Set([...(node.required ?? []), ...required])];
  if (more.properties || closes) {
    const names = new Set([...Object.keys(node.properties ?? {}), ...(open ? Object.keys(properties) : [])]);
    found.properties = Object.fromEntries([...names].filter((name) => (properties[name] ?? !closes) !== false)
      .map((name) => [name, narrowed(node.properties?.[name] ?? open, properties[name])]));
  }
  if (closes && open) found.additionalProperties = false;
  return allOf.reduce(narrowed, found);
}

/**
 * What kind of field a node asks for: text, number, flag, choice, list, object, union, file, null or any.
 * A value that may also be null is a field that may be empty.
 */
export function kindOf(given, whole) {
  const node = resolved(given, whole);
  if ("const" in node) return { kind: "choice", node, choices: [node.const], nullable: false };
  if (node.enum) return { kind: "choice", node, choices: node.enum, nullable: node.enum.includes(null) };
  const types = [node.type ?? []].flat(), { anyOf, oneOf, ...beside } = node;
  const all = (anyOf ?? oneOf)?.map((one) => resolved(one, whole)) ?? (types.length > 1 ? types.map((type) => ({ ...node, type, title: undefined })) : undefined);
  if (all) {
    const variants = all.filter((one) => one.type !== "null"), nullable = variants.length < all.length;
    return variants.length === 1 ? { ...kindOf({ ...variants[0], ...(anyOf || oneOf ? beside : {}) }, whole), nullable } : { kind: "union", node, variants, nullable };
  }
  const type = types[0] ?? (node.properties ? "object" : node.items ? "array" : "any");
  const isFile = node.contentEncoding === "base64" || node.format === "byte";
  const kinds = { string: isFile ? "file" : "text", integer: "number", number: "number", boolean: "flag", array: "list", object: "object", null: "null" };
  return { kind: kinds[type] ?? "any", node, nullable: type === "null" };
}

/** What a field says of itself: a bound, a format. */
export function hintOf(node) {
  const between = (least, most, unit) => (least !== undefined && most !== undefined ? `${least}–${most}${unit}`
    : least ? `≥ ${least}${unit}` : most !== undefined && `≤ ${most}${unit}`);
  const bound = (sign, value) => value !== undefined && `${sign} ${value}`;
  return [
    between(node.minimum, node.maximum, ""), between(node.minLength, node.maxLength, " …"), bound(">", node.exclusiveMinimum),
    bound("<", node.exclusiveMaximum), bound("×", node.multipleOf), node.format, node.pattern?.length < 40 && node.pattern,
  ].filter(Boolean).join(", ");
}

/** What a variant of a union is called. */
export function variantName(node, place) {
  if (node.title) return node.title;
  const tag = Object.values(node.properties ?? {}).find((one) => "const" in one || one.enum?.length === 1);
  if (tag) return String(tag.const ?? tag.enum[0]);
  if ("const" in node) return String(node.const);
  return node.format ?? (node.type === "object" ? Object.keys(node.properties ?? {}).join(", ") : node.type) ?? String(place + 1);
}

/** Which variant of a union a value belongs to, as far as its shape says. */
export function variantOf(variants, value, whole) {
  const found = variants.findIndex((one) => fits(resolved(one, whole), value, whole));
  return found < 0 ? 0 : found;
}

function fits(node, value, whole) {
  if ("const" in node) return node.const === value;
  if (node.enum) return node.enum.includes(value);
  const is = value === null ? "null" : Array.isArray(value) ? "array" : typeof value === "object" ? "object" : typeof value;
  const type = { integer: "number" }[node.type] ?? node.type;
  if (type && type !== is) return false;
  if (is !== "object") return true;
  return Object.entries(node.properties ?? {}).every(([name, one]) =>
    !(name in value) || !("const" in one || one.enum) || fits(resolved(one, whole), value[name], whole))
    && (node.required ?? []).every((name) => name in value);
}
