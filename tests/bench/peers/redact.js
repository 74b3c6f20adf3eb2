// The redaction by nginx and njs: records with an ICD-10 F code go, the rest is printed back.
const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm';

function hasFCode(resource) {
    return (resource.diagnosis || []).some(diagnosis =>
        ((diagnosis.diagnosisCodeableConcept || {}).coding || []).some(coding =>
            coding.system === ICD10 && coding.code.startsWith('F')));
}

async function redact(r) {
    const answer = await r.subrequest('/upstream' + r.uri);
    if (answer.status !== 200) {
        r.return(502);
        return;
    }
    const bundle = JSON.parse(answer.responseText);
    bundle.entry = (bundle.entry || []).filter(entry => !hasFCode(entry.resource));
    delete bundle.total;
    r.headersOut['Content-Type'] = 'application/fhir+json';
    r.return(200, JSON.stringify(bundle));
}

export default { redact };
