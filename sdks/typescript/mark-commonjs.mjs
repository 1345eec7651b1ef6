// Says of dist/cjs that it holds CommonJS; the package as a whole is of ES modules.
import { writeFileSync } from "node:fs";

writeFileSync(new URL("./dist/cjs/package.json", import.meta.url), '{ "type": "commonjs" }\n');
