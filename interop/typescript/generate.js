// Generates src/schema.d.ts from openapi.yaml. A string with x-extensible-enum becomes a union
// of its values and any other string, so that editors propose the known values.
import { writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const { factory } = ts;
const nodes = await openapiTS(new URL("../../openapi.yaml", import.meta.url), {
  transform(schema) {
    const values = schema["x-extensible-enum"];
    if (values === undefined) return undefined;
    const other = factory.createIntersectionTypeNode([
      factory.createKeywordTypeNode(ts.SyntaxKind.StringKeyword),
      factory.createTypeLiteralNode([]),
    ]);
    return factory.createUnionTypeNode([
      ...values.map((value) => factory.createLiteralTypeNode(factory.createStringLiteral(value))),
      factory.createParenthesizedType(other),
    ]);
  },
});
await writeFile(new URL("src/schema.d.ts", import.meta.url), astToString(nodes));
