/** Certificates that are made for a test, and hold for a day. */
import { generateKeyPairSync } from "node:crypto";

import forge from "node-forge";

/** A certificate and its private key, in PEM. */
export interface Certified {
  cert: string;
  key: string;
}

/** An authority that signs others' certificates. */
export class Authority {
  readonly cert: string;
  readonly #subject: forge.pki.CertificateField[];
  readonly #key: forge.pki.rsa.PrivateKey;

  constructor(name: string) {
    this.#subject = subjectOf({ CN: name });
    const { publicKey, privateKey } = newKeys();
    this.#key = privateKey;
    const certificate = unsigned(this.#subject, this.#subject, publicKey);
    certificate.setExtensions([
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ]);
    certificate.sign(privateKey, forge.md.sha256.create());
    this.cert = forge.pki.certificateToPem(certificate);
  }

  /** @param subject e.g. `{ O: "Hospital", CN: "ward-3" }` */
  certify(subject: Readonly<Record<string, string>>): Certified {
    const { publicKey, privateKey } = newKeys();
    const certificate = unsigned(subjectOf(subject), this.#subject, publicKey);
    certificate.setExtensions([
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ]);
    certificate.sign(this.#key, forge.md.sha256.create());
    return { cert: forge.pki.certificateToPem(certificate), key: forge.pki.privateKeyToPem(privateKey) };
  }
}

const subjectOf = (subject: Readonly<Record<string, string>>): forge.pki.CertificateField[] =>
  Object.entries(subject).map(([shortName, value]) => ({ shortName, value }));

/** By Node, which is quicker at it. */
function newKeys(): { publicKey: forge.pki.rsa.PublicKey; privateKey: forge.pki.rsa.PrivateKey } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { publicKey: forge.pki.publicKeyFromPem(publicKey), privateKey: forge.pki.privateKeyFromPem(privateKey) };
}

let serial = 1;

function unsigned(
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  publicKey: forge.pki.rsa.PublicKey,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = (serial++).toString(16).padStart(4, "01");
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  return certificate;
}
