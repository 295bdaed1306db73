// java -cp … Validate.java DEFINITIONS FILE…: validates FHIR R4 resources with HAPI, and prints a line for each finding: file, severity,
// place and message, with tabs between them.
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.CodeSystem;

public class Validate {
  public static void main(String[] args) throws Exception {
    var context = FhirContext.forR4();
    var definitions = new PrePopulatedValidationSupport(context);
    try (Stream<Path> files = Files.list(Path.of(args[0]))) {
      for (var file : files.toList()) {
        var resource = context.newJsonParser().parseResource(Files.readString(file));
        if (resource instanceof CodeSystem) definitions.addCodeSystem(resource);
        else definitions.addStructureDefinition(resource);
      }
    }
    var support =
        new ValidationSupportChain(
            definitions, // before HAPI's own, which are of R4's day
            new DefaultProfileValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context),
            new SnapshotGeneratingValidationSupport(context));
    var instances = new FhirInstanceValidator(support);
    instances.setErrorForUnknownProfiles(true);
    FhirValidator validator = context.newValidator().registerValidatorModule(instances);
    for (var file : List.of(args).subList(1, args.length)) {
      for (var found : validator.validateWithResult(Files.readString(Path.of(file))).getMessages()) {
        var message = String.valueOf(found.getMessage()).replaceAll("\\s+", " ");
        System.out.println(
            String.join("\t", file, found.getSeverity().getCode(), String.valueOf(found.getLocationString()), message));
      }
    }
  }
}
