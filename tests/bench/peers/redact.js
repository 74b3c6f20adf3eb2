// The redaction by nginx and njs: records with an ICD-10 F code go, the rest is printed back.
const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm';

function hasFCode(resource) {
    return (resource.diagnosis || []).some(diagnosis =>
        ((diagnosis.diagnosisCodeableConcept || {}).coding || []).some(coding =>
            coding.system === ICD10 && coding.code.startsWith('F')));
}

// A body filter: an answer of `js_content` beyond the buffer of the socket never ends (0.7.9).
// Each request has a copy of this module.
const received = [];

function head(r) {
    delete r.headersOut['Content-Length'];
}

function body(r, piece, flags) {
    received.push(piece);
    if (!flags.last) return;
    const bundle = JSON.parse(received.join(''));
    bundle.entry = (bundle.entry || []).filter(entry => !hasFCode(entry.resource));
    delete bundle.total;
    r.sendBuffer(JSON.stringify(bundle), flags);
}

export default { head, body };
