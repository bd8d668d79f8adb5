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
  const found = { ...node };
  for (const [key, value] of Object.entries(more)) {
    if (key === "properties") {
      found.properties = { ...node.properties };
      for (const [name, one] of Object.entries(value)) {
        if (name in found.properties) found.properties[name] = narrowed(found.properties[name], one);
      }
    } else if (key === "required") {
      found.required = [...new Set([...(node.required ?? []), ...value])];
    } else if (key !== "additionalProperties") {
      found[key] = value;
    }
  }
  return found;
}

/**
 * What kind of field a node asks for: text, long, number, flag, choice, list, object, union, file, null or any.
 * A value that may also be null is a field that may be empty.
 */
export function kindOf(given, whole) {
  const node = resolved(given, whole);
  if ("const" in node) return { kind: "choice", node, choices: [node.const], nullable: false };
  if (node.enum) return { kind: "choice", node, choices: node.enum, nullable: node.enum.includes(null) };
  const variants = node.anyOf ?? node.oneOf;
  if (variants) {
    const all = variants.map((one) => resolved(one, whole));
    const rest = all.filter((one) => one.type !== "null");
    const nullable = rest.length < all.length;
    if (rest.length === 1) return { ...kindOf({ ...rest[0], ...beside(node) }, whole), nullable };
    return { kind: "union", node, variants: rest, nullable };
  }
  const types = [node.type ?? []].flat();
  const nullable = types.includes("null");
  const real = types.filter((one) => one !== "null");
  if (real.length > 1) {
    return { kind: "union", node, variants: real.map((type) => ({ ...node, type, title: undefined })), nullable };
  }
  const type = real[0] ?? (node.properties ? "object" : node.items ? "array" : nullable ? "null" : "any");
  const kinds = { string: textKind(node), integer: "number", number: "number", boolean: "flag", array: "list", object: "object", null: "null" };
  return { kind: kinds[type] ?? "any", node, nullable };
}

const beside = ({ anyOf, oneOf, ...rest }) => rest;

function textKind(node) {
  if (node.contentEncoding === "base64" || node.format === "byte") return "file";
  return "text";
}

/** What a field says of itself: a bound, a format. */
export function hintOf(node) {
  const bounds = [];
  const between = (least, most, unit) => {
    if (least !== undefined && most !== undefined) bounds.push(`${least}–${most}${unit}`);
    else if (least) bounds.push(`≥ ${least}${unit}`);
    else if (most !== undefined) bounds.push(`≤ ${most}${unit}`);
  };
  between(node.minimum, node.maximum, "");
  between(node.minLength, node.maxLength, " …");
  if (node.exclusiveMinimum !== undefined) bounds.push(`> ${node.exclusiveMinimum}`);
  if (node.exclusiveMaximum !== undefined) bounds.push(`< ${node.exclusiveMaximum}`);
  if (node.multipleOf !== undefined) bounds.push(`× ${node.multipleOf}`);
  if (node.format) bounds.push(node.format);
  if (node.pattern && node.pattern.length < 40) bounds.push(node.pattern);
  return bounds.join(", ");
}

/** What a variant of a union is called. */
export function variantName(node, place) {
  if (node.title) return node.title;
  const tag = Object.entries(node.properties ?? {}).find(([, one]) => "const" in one || one.enum?.length === 1);
  if (tag) return String(tag[1].const ?? tag[1].enum[0]);
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
