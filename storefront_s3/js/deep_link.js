/**
 * Runs on the error page: an address such as /orders/ord_1 (typed or shared without the `#`) has
 * no file in the bucket, but the shop has a view for it.
 */

import { match } from "./routes.js";

const path = location.pathname.replace(/(?<=.)\/$/, "");

if (match(path)) location.replace(`/#${path}`);
