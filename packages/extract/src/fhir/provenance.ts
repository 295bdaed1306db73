/** Who said it, and of what. */
import type { Device, DocumentReference, Provenance, Reference } from "fhir/r4";

/** The model that read the page. */
export interface FhirModel {
  readonly name: string;
  readonly version?: string;
  readonly manufacturer?: string;
}

/** The file and page that were read. Only what is given here is told of them. */
export interface FhirSource {
  /** SHA-256 of the file's bytes, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Within the file, from 1. Default: the file is one page. */
  readonly page?: number;
  /** E.g. `application/pdf`. */
  readonly contentType: string;
  readonly title?: string;
  /** Where the file can be had. */
  readonly url?: string;
}

/** The model. */
export function toDevice({ name, version, manufacturer }: FhirModel): Device {
  return {
    resourceType: "Device",
    deviceName: [{ name, type: "model-name" }],
    type: { text: "Artificial intelligence model" },
    ...(manufacturer !== undefined && { manufacturer }),
    ...(version !== undefined && { version: [{ value: version }] }),
  };
}

/** The page. Its file is named by its hash as in RFC 6920, whatever it is called and wherever it lies. */
export function toDocument(
  { sha256, page, contentType, title, url }: FhirSource,
  subject: Reference,
): DocumentReference {
  return {
    resourceType: "DocumentReference",
    identifier: [{ system: "urn:ietf:rfc:3986", value: `ni:///sha-256;${base64Url(sha256)}` }],
    status: "current",
    subject,
    ...(page !== undefined && { description: `Page ${page}` }),
    content: [
      { attachment: { contentType, ...(title !== undefined && { title }), ...(url !== undefined && { url }) } },
    ],
  };
}

/** What was made of the page, by the model, and when. */
export function toProvenance(
  target: Reference[],
  author: Reference,
  document: Reference,
  recorded: string,
): Provenance {
  return {
    resourceType: "Provenance",
    target,
    recorded,
    agent: [
      {
        type: {
          coding: [
            {
              system: "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
              code: "author",
              display: "Author",
            },
          ],
        },
        who: author,
      },
    ],
    entity: [{ role: "source", what: document }],
  };
}

function base64Url(hex: string): string {
  const bytes = hex.match(/../gu)!.map((byte) => String.fromCharCode(parseInt(byte, 16)));
  return btoa(bytes.join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/u, "");
}
